"""A protocol as its file would say it, to be changed at the desk and read again by the same strict rules (P12)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from worker.intake.protocol import source_of
from worker.rules.names import Channel, MessageClass
from worker.rules.refusal import Refusal, Refusals
from worker.rules.steps import Elapsed
from worker.rules.text import simplify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worker.intake.protocol import ProtocolSource, SourceStep
    from worker.rules.steps import Instruction, When

MOMENT = re.compile(r"(?:(?P<days>-?\d{1,3}) (?P<at>[0-2]\d:[0-5]\d)|(?P<hours>\d{1,4}):(?P<minutes>[0-5]\d))")


@dataclass(slots=True)
class Pages:
    """The keys of protocol.toml, and each text by its file's name."""

    raw: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)

    def source(self) -> ProtocolSource:
        """The protocol they make. Raises Refusals with every fault."""
        return source_of(self.raw, self.files)

    def step(self, code: str) -> dict[str, Any]:
        """The keys of one step. Raises Refusals."""
        for step in self.raw["step"]:
            if step["code"] == code:
                found: dict[str, Any] = step
                return found
        raise Refusals([Refusal("step", "is not in this protocol", "choose one of its own")])


def pages_of(source: ProtocolSource) -> Pages:
    """The pages of a stored protocol; `source` of them is the same protocol again."""
    raw: dict[str, Any] = {
        "code": source.code,
        "title": dict(source.title),
        "languages": list(source.languages),
        "session_interval_days": list(source.interval_days),
        "frequency": {"messages": source.frequency, "per": "session"},
        "step": [_step(step) for step in source.steps],
    }
    if source.checkin:
        raw["checkin"] = source.checkin.model_dump(mode="json")
    files = {name: text for step in source.steps for name, text in _texts(step).items()}
    return Pages(raw, files)


def change(pages: Pages, code: str, said: Mapping[str, str]) -> Pages:
    """The pages with what a form says of one step: its texts, and its `when`, `until` and `if_closed` if named.

    Texts go by "sms.en", "subject.en", "text.en", "html.en" and get plain quotes and dashes where it is an SMS
    (rule 106). Raises Refusals for a moment that can't be read or an unknown step.
    """
    step = dict(pages.step(code))
    for name in ("when", "until"):
        if name in said:
            step[name] = _moment(said[name], f"{code}.{name}")
    step["if_closed"] = said.get("if_closed", step["if_closed"])
    files = dict(pages.files)
    for language in pages.raw["languages"]:
        files |= _changed(code, language, said, files)
    steps = [step if each["code"] == code else each for each in pages.raw["step"]]
    return Pages({**pages.raw, "step": steps}, files)


def with_correction(pages: Pages, code: str) -> Pages:
    """The pages with one more step, an empty correction whose texts are still to be written. Raises Refusals."""
    step = {
        "code": code, "class": "course", "kind": "correction", "purpose": "aftercare", "anchor": "reply",
        "when": {"minutes": 0}, "until": {"hours": 72}, "if_closed": "hand_over", "channels": ["sms", "email"],
    }  # fmt: skip
    if any(each["code"] == code for each in pages.raw["step"]):
        raise Refusals([Refusal("code", "is a step of this protocol already", "give the correction a code of its own")])
    return Pages({**pages.raw, "step": [*pages.raw["step"], step]}, dict(pages.files))


def without(pages: Pages, code: str) -> Pages:
    """The pages without one step. Raises Refusals for an unknown one."""
    pages.step(code)
    return Pages({**pages.raw, "step": [each for each in pages.raw["step"] if each["code"] != code]}, dict(pages.files))


def _moment(said: str, where: str) -> dict[str, Any]:
    found = MOMENT.fullmatch(" ".join(said.split()))
    if found is None:
        mend = 'write "3 10:00" for the third day at ten, or "4:30" for four and a half hours'
        raise Refusals([Refusal(where, "is no moment", mend)])
    if found["at"]:
        return {"days": int(found["days"]), "at": found["at"]}
    return {"hours": int(found["hours"]), "minutes": int(found["minutes"])}


def _changed(code: str, language: str, said: Mapping[str, str], files: Mapping[str, str]) -> dict[str, str]:
    new: dict[str, str] = {}
    if f"sms.{language}" in said:
        new[f"{code}.{language}.sms.txt"] = simplify(said[f"sms.{language}"]).strip() + "\n"
    if f"html.{language}" in said:
        new[f"{code}.{language}.email.html"] = _lines(said[f"html.{language}"])
    name = f"{code}.{language}.email.txt"
    before = files.get(name, "Subject: \n\n").partition("\n\n")
    if {f"subject.{language}", f"text.{language}"} & set(said):
        subject = said.get(f"subject.{language}", before[0].removeprefix("Subject: "))
        body = said.get(f"text.{language}", before[2])
        new[name] = f"Subject: {' '.join(subject.split())}\n\n{_lines(body)}"
    return new


def _lines(text: str) -> str:
    """Browsers send CRLF; a text ends with one line end, so that saving it unchanged changes nothing."""
    return text.replace("\r\n", "\n").rstrip("\n") + "\n"


def _step(step: SourceStep) -> dict[str, Any]:
    rule = step.rule
    return {
        "code": rule.code,
        "class": MessageClass(rule.cls).value,
        "kind": step.kind.value if step.kind else "",
        "purpose": rule.purpose.value,
        "anchor": rule.anchor.value,
        "when": _written(rule.when),
        "until": _written(rule.until),
        "if_closed": rule.if_closed.value,
        "channels": [channel.value for channel in rule.channels],
        "questions": list(step.questions),
        "instead_of": rule.instead_of,
        "says": [_said(each) for each in rule.says],
    }


def _said(told: Instruction) -> dict[str, Any]:
    said: dict[str, Any] = {"topic": told.topic, "telling": told.telling.value, "from_day": told.from_day}
    return said if told.until_day is None else said | {"until_day": told.until_day}


def _written(when: When) -> dict[str, Any]:
    if isinstance(when, Elapsed):
        minutes = int(when.delta.total_seconds()) // 60
        return {"hours": minutes // 60, "minutes": minutes % 60}
    return {"days": when.days, "at": f"{when.at:%H:%M}"}


def _texts(step: SourceStep) -> dict[str, str]:
    files: dict[str, str] = {}
    for text in step.texts:
        stem = f"{step.rule.code}.{text.language}"
        if text.channel is Channel.SMS:
            files[f"{stem}.sms.txt"] = text.text
        else:
            files[f"{stem}.email.txt"] = f"Subject: {text.subject}\n\n{text.text}"
            files[f"{stem}.email.html"] = text.html
    return files
