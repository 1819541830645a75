"""A protocol's folder, read strictly: protocol.toml and the texts beside it, with every fault named at once (P12)."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

from worker.intake.protocol_shape import (
    FILE,
    HeaderShape,
    StepShape,
    header_faults,
    raw_steps,
    shaped,
    steps_faults,
)
from worker.intake.protocol_texts import StepText, found_files, given_files, read_small, read_texts
from worker.rules.names import Channel, MessageClass, Purpose, step_kind
from worker.rules.refusal import Refusal, Refusals
from worker.rules.steps import OF_CALENDAR, Anchor, Elapsed, IfClosed, Instruction, StepRule, Telling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from worker.intake.protocol_checkin import CheckinShape
    from worker.rules.names import StepKind
    from worker.rules.steps import When

__all__ = ["ProtocolSource", "SourceStep", "StepText", "in_order", "read_protocol", "source_of", "step_faults"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStep:
    """One step: its rule, its kind (None for what a plan brings), its facts, its texts, the questions it asks."""

    rule: StepRule
    kind: StepKind | None
    facts: tuple[str, ...]
    texts: tuple[StepText, ...]
    questions: tuple[str, ...] = ()

    def text(self, channel: Channel, language: str) -> StepText:
        """The text of one channel and language.

        Raises:
            KeyError: the step has no such text.
        """
        for text in self.texts:
            if (text.channel, text.language) == (channel, language):
                return text
        raise KeyError(channel, language)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolSource:
    """A whole protocol as written: nothing in it has been approved by reading it (P3).

    Args:
        code: the protocol's name for machines.
        title: language and title, in the order of `languages`.
        languages: the first is used for a client whose own language is not among them.
        interval_days: the approved shortest and longest time between two sessions.
        frequency: messages promised at opt-in for one channel of one session (rule 52).
        steps: by ordinal.
        checkin: what the care page asks after some steps and says to the answers; None asks nothing.
    """

    code: str
    title: tuple[tuple[str, str], ...]
    languages: tuple[str, ...]
    interval_days: tuple[int, int]
    frequency: int
    steps: tuple[SourceStep, ...]
    checkin: CheckinShape | None = None

    def step(self, code: str) -> SourceStep:
        """The step of that code.

        Raises:
            KeyError: the protocol has no such step.
        """
        for step in self.steps:
            if step.rule.code == code:
                return step
        raise KeyError(code)


_LINE = re.compile(r"at line ([0-9]+)")


def read_protocol(folder: Path) -> ProtocolSource:
    """Read the protocol in `folder` and check every rule a machine can check before a practitioner reads it.

    Raises:
        Refusals: every fault of the file and of all texts at once, each with its field and mend; nothing is
            read half.
    """
    faults: list[Refusal] = []
    header, shapes = _shapes(_toml(folder, faults), faults)
    files = found_files(folder, header, shapes, faults) if header and shapes else {}
    return _source(header, shapes, files, faults)


def source_of(raw: Mapping[str, object], files: Mapping[str, str]) -> ProtocolSource:
    """The same from what the desk's forms say: the keys of protocol.toml, and its texts by file name.

    Raises:
        Refusals: as `read_protocol`.
    """
    faults: list[Refusal] = []
    header, shapes = _shapes(dict(raw), faults)
    known = given_files(files, header, shapes, faults) if header and shapes else {}
    return _source(header, shapes, known, faults)


def step_faults(raw: Mapping[str, object], files: Mapping[str, str], code: str) -> list[Refusal]:
    """What is wrong with the frame of a protocol and with the texts of one step, the others' being stored as fit.

    A preview asks it at every pause of whoever types: reading all texts again would take most of a second.
    """
    faults: list[Refusal] = []
    header, shapes = _shapes(dict(raw), faults)
    mine = [shape for shape in shapes if shape.code == code]
    if header and mine:
        read_texts(header, mine, given_files(files, header, mine, faults), faults)
    return faults


def _source(
    header: HeaderShape | None, shapes: list[StepShape], files: dict[str, str | None], faults: list[Refusal]
) -> ProtocolSource:
    texts = read_texts(header, shapes, files, faults) if header and shapes else {}
    if faults or header is None:
        raise Refusals(faults)
    languages = tuple(header.languages)
    return ProtocolSource(
        code=header.code,
        title=tuple((language, header.title[language]) for language in languages),
        languages=languages,
        interval_days=(header.session_interval_days[0], header.session_interval_days[1]),
        frequency=header.frequency.messages,
        steps=in_order(_step(shape, texts[shape.code]) for shape in shapes),
        checkin=header.checkin,
    )


def _shapes(raw: dict[str, object] | None, faults: list[Refusal]) -> tuple[HeaderShape | None, list[StepShape]]:
    if raw is None:
        return None, []
    header = shaped(HeaderShape, {key: value for key, value in raw.items() if key != "step"}, FILE, faults)
    read = [shaped(StepShape, step, field, faults) for field, step in raw_steps(raw, faults)]
    shapes = [shape for shape in read if shape is not None]
    faults.extend(chain(header_faults(header) if header else (), steps_faults(shapes, header)))
    return header, shapes


def _toml(folder: Path, faults: list[Refusal]) -> dict[str, object] | None:
    text = read_small(folder / FILE, faults)
    if text is None:
        return None
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and what Python says to a number of 5,000 digits
        place = _LINE.search(str(error))
        faults.append(Refusal(FILE, "is not TOML", f"mend line {place[1]}" if place else "mend it"))
    except RecursionError:
        faults.append(Refusal(FILE, "nests too deep", "write plain tables"))
    return None


def _step(shape: StepShape, texts: tuple[StepText, ...]) -> SourceStep:
    when, until = shape.when.when(), shape.until.when()
    assert when is not None
    assert until is not None
    rule = StepRule(
        code=shape.code,
        cls=MessageClass(shape.cls),
        anchor=Anchor(shape.anchor),
        when=when,
        until=until,
        channels=tuple(channel for channel in Channel if channel in shape.channels),
        purpose=Purpose(shape.purpose),
        if_closed=IfClosed(shape.if_closed),
        ordinal=0,
        instead_of=shape.instead_of,
        fallback=tuple(Channel(channel) for channel in shape.fallback),
        says=tuple(
            Instruction(
                topic=said.topic, telling=Telling(said.telling), from_day=said.from_day, until_day=said.until_day
            )
            for said in sorted(shape.says, key=lambda said: said.topic)
        ),
    )
    return SourceStep(
        rule=rule, kind=step_kind(shape.kind), facts=tuple(shape.facts), texts=texts, questions=tuple(shape.questions)
    )


def in_order(steps: Iterable[SourceStep]) -> tuple[SourceStep, ...]:
    """The steps numbered from 1 by what they count from and when they are due, then by code.

    The order of tables in a file means nothing: two files that differ only in it are one protocol.
    """
    numbered = enumerate(sorted(steps, key=_place), start=1)
    return tuple(replace(step, rule=replace(step.rule, ordinal=ordinal)) for ordinal, step in numbered)


_ANCHORS = (Anchor.ENROLMENT, Anchor.APPOINTMENT, Anchor.TREATMENT, Anchor.COURSE, *OF_CALENDAR, Anchor.REPLY)


def _place(step: SourceStep) -> tuple[int, timedelta, str]:
    return _ANCHORS.index(step.rule.anchor), _nominal(step.rule.when), step.rule.code


def _nominal(when: When) -> timedelta:
    if isinstance(when, Elapsed):
        return when.delta
    return timedelta(days=when.days, hours=when.at.hour, minutes=when.at.minute)
