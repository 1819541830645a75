"""The steps of one version as their readers would get them, with the longest names; made once a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from worker import rendering
from worker.intake.wording import WORST_CASE
from worker.rendering import CannotRender
from worker.rules.names import Channel
from worker.rules.text import segments

if TYPE_CHECKING:
    from worker.intake.protocol import SourceStep
    from worker.models import Clinic, ProtocolVersion
    from worker.rules.names import StepKind
    from worker.rules.steps import StepRule


class Words(NamedTuple):
    """One language of a step: its SMS with the parts that are paid for, and its mail; "" where there is none."""

    language: str
    sms: str
    parts: int
    subject: str
    text: str


class ShownStep(NamedTuple):
    """One step: what it is, when it goes, and what it says in each language."""

    code: str
    kind: StepKind | None
    rule: StepRule
    said: tuple[Words, ...]


def shown(version: ProtocolVersion, clinic: Clinic) -> list[ShownStep]:
    """Every step of a version, in its order."""
    source = rendering.version(version.document).source
    own = {"clinic_name": clinic.name, "clinic_phone": clinic.phone, "clinic_address": clinic.postal_address}
    return [
        ShownStep(
            step.rule.code,
            step.kind,
            step.rule,
            tuple(_words(version.document, step, language, WORST_CASE | own) for language in source.languages),
        )
        for step in source.steps
    ]


def _words(document: str, step: SourceStep, language: str, values: dict[str, str]) -> Words:
    said = {}
    for channel in step.rule.channels:
        try:
            said[channel] = rendering.version(document).write(
                step=step.rule.code, channel=channel, language=language, values=values
            )
        except CannotRender:  # what the sender would refuse as well: the page shows the others
            continue
    sms, mail = said.get(Channel.SMS), said.get(Channel.EMAIL)
    text = sms.text if sms else ""
    return Words(
        language, text, segments(text).parts if text else 0, mail.subject if mail else "", mail.text if mail else ""
    )
