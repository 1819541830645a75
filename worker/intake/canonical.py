"""The one form of a protocol that is approved, stored, hashed and rendered from (P3)."""

from __future__ import annotations

import hashlib
import json
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

from worker.intake.protocol import ProtocolSource, SourceStep, StepText, in_order
from worker.intake.protocol_checkin import CheckinShape
from worker.rules.names import Channel, MessageClass, Purpose, step_kind
from worker.rules.steps import Anchor, Calendar, Elapsed, IfClosed, Instruction, StepRule, Telling

if TYPE_CHECKING:
    from worker.rules.steps import When

FORMAT = 1
"""Raised when the same protocol would be written differently: every approval then needs a new look."""


def canonical(source: ProtocolSource) -> bytes:
    """Everything a client may come to see or feel, as JSON in one fixed order (UTF-8, letters as written).

    Left out are the numbers of the facts and of the steps: they change no message. A text is in it to the
    last byte, line ends as line feeds, so that whoever changes a comma asks for a new approval (rule 10).
    """
    document: dict[str, Any] = {
        "format": FORMAT,
        "code": source.code,
        "title": dict(source.title),
        "languages": list(source.languages),
        "session_interval_days": list(source.interval_days),
        "frequency": {"messages": source.frequency, "per": "session"},
        "steps": {step.rule.code: _step(step) for step in source.steps},
    }
    if source.checkin:  # left out where nothing is asked, so that older documents keep their hash
        document["checkin"] = source.checkin.model_dump(mode="json")
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def canonical_hash(source: ProtocolSource) -> str:
    """SHA-256 of the canonical form, 64 hexadecimal digits: what a practitioner's approval is bound to (P3)."""
    return hashlib.sha256(canonical(source)).hexdigest()


def from_canonical(document: bytes | str) -> ProtocolSource:
    """The protocol of a stored canonical form; its `facts` are empty, for they are not part of what was approved.

    Raises:
        ValueError: the document is of another format; it is never guessed at.
        KeyError: the document is not a canonical form.
    """
    read = json.loads(document)
    if read["format"] != FORMAT:
        raise ValueError("this canonical document has a format that this version does not read")
    shortest, longest = read["session_interval_days"]
    return ProtocolSource(
        code=read["code"],
        title=tuple((language, read["title"][language]) for language in read["languages"]),
        languages=tuple(read["languages"]),
        interval_days=(shortest, longest),
        frequency=read["frequency"]["messages"],
        steps=in_order(_read_step(code, step, read["languages"]) for code, step in read["steps"].items()),
        checkin=CheckinShape.model_validate(read["checkin"]) if "checkin" in read else None,
    )


def _step(step: SourceStep) -> dict[str, Any]:
    rule = step.rule
    return {
        "class": rule.cls,
        "kind": step.kind or "",
        "purpose": rule.purpose,
        "anchor": rule.anchor,
        "when": _moment(rule.when),
        "until": _moment(rule.until),
        "if_closed": rule.if_closed,
        "channels": sorted(rule.channels),
        **({"instead_of": rule.instead_of} if rule.instead_of else {}),  # left out, old approvals keep their hash
        **({"fallback": sorted(rule.fallback)} if rule.fallback else {}),
        **({"says": [_instruction(said) for said in rule.says]} if rule.says else {}),
        "texts": {f"{text.channel}.{text.language}": _text(text) for text in step.texts},
        **({"questions": list(step.questions)} if step.questions else {}),
    }


def _instruction(said: Instruction) -> dict[str, Any]:
    return {
        "topic": said.topic,
        "telling": said.telling,
        "from_day": said.from_day,
        **({"until_day": said.until_day} if said.until_day is not None else {}),
    }


def _moment(when: When) -> dict[str, Any]:
    if isinstance(when, Elapsed):
        return {"seconds": int(when.delta.total_seconds())}
    return {"days": when.days, "at": when.at.isoformat("minutes")}


def _text(text: StepText) -> dict[str, str]:
    if text.channel is Channel.SMS:
        return {"text": text.text}
    return {"subject": text.subject, "text": text.text, "html": text.html}


def _read_step(code: str, raw: dict[str, Any], languages: list[str]) -> SourceStep:
    channels = tuple(channel for channel in Channel if channel in raw["channels"])
    rule = StepRule(
        code=code,
        cls=MessageClass(raw["class"]),
        anchor=Anchor(raw["anchor"]),
        when=_read_moment(raw["when"]),
        until=_read_moment(raw["until"]),
        channels=channels,
        purpose=Purpose(raw["purpose"]),
        if_closed=IfClosed(raw["if_closed"]),
        ordinal=0,
        instead_of=raw.get("instead_of", ""),
        fallback=tuple(Channel(channel) for channel in raw.get("fallback", ())),
        says=tuple(Instruction(**said | {"telling": Telling(said["telling"])}) for said in raw.get("says", ())),
    )
    texts = tuple(
        StepText(channel=channel, language=language, **raw["texts"][f"{channel}.{language}"])
        for channel in (*channels, *rule.fallback)
        for language in languages
    )
    asked = tuple(raw.get("questions", ()))
    return SourceStep(rule=rule, kind=step_kind(raw["kind"]), facts=(), texts=texts, questions=asked)


def _read_moment(raw: dict[str, Any]) -> When:
    if "seconds" in raw:
        return Elapsed(delta=timedelta(seconds=raw["seconds"]))
    return Calendar(days=raw["days"], at=time.fromisoformat(raw["at"]))
