"""Turn an approved version into the words of one message: compiled once per version, sandboxed, nothing undefined.

The templates come from the version's canonical document after its hash was compared with the approved one, so what
leaves is what was approved (P3). Values are data: a name is never itself read as a template (rule 40).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from jinja2 import StrictUndefined
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import SandboxedEnvironment

from worker.intake.canonical import from_canonical
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Template

    from worker.intake.protocol import ProtocolSource
    from worker.intake.protocol_texts import StepText

PLAIN = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)
HTML = SandboxedEnvironment(undefined=StrictUndefined, autoescape=True)


class CannotRender(Exception):
    """A text that can't be made from the values at hand; carries step and channel, never the values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The words of one message; subject and html are empty for an SMS."""

    text: str
    subject: str = ""
    html: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """The templates of one step on one channel in one language, and every name that they mention."""

    text: Template
    subject: Template | None
    html: Template | None
    names: frozenset[str]


class Version:
    """One version, its templates compiled as they are first needed."""

    def __init__(self, document: str) -> None:
        self.sha256 = hashlib.sha256(document.encode()).hexdigest()
        self.source: ProtocolSource = from_canonical(document)
        self._compiled: dict[tuple[str, Channel, str], _Compiled] = {}

    def names(self, *, step: str, channel: Channel, language: str) -> frozenset[str]:
        """The values that a step's words mention: nothing else has to be unsealed, signed or worked out for it.

        Raises CannotRender for an unknown step or channel, or a template that can't be read.
        """
        return self._templates(step, channel, language).names

    def write(self, *, step: str, channel: Channel, language: str, values: Mapping[str, str]) -> Written:
        """The words of one step in one language (the protocol's first where it has no such language).

        Raises CannotRender for an unknown step or channel, an undefined name, or an unsafe expression.
        """
        found = self._templates(step, channel, language)
        try:
            return Written(
                text=found.text.render(values).strip(),
                subject=" ".join(found.subject.render(values).split()) if found.subject else "",
                html=found.html.render(values) if found.html else "",
            )
        except Exception as error:  # noqa: BLE001 - an expression fails in any way of Python's; one message, not all
            raise CannotRender(f"{step}/{channel}/{language}: {type(error).__name__}") from None

    def _templates(self, step: str, channel: Channel, language: str) -> _Compiled:
        key = (step, channel, language)
        if key not in self._compiled:
            spoken = language if language in self.source.languages else self.source.languages[0]
            try:
                self._compiled[key] = _compiled(self.source.step(step).text(channel, spoken), channel)
            except Exception as error:  # noqa: BLE001 - also what a constant worked out while it is compiled can raise
                raise CannotRender(f"{step}/{channel}/{spoken}: {type(error).__name__}") from None
        return self._compiled[key]


def _compiled(said: StepText, channel: Channel) -> _Compiled:
    parts = (said.text,) if channel == Channel.SMS else (said.text, said.subject, said.html)
    mail = channel != Channel.SMS
    return _Compiled(
        text=PLAIN.from_string(said.text),
        subject=PLAIN.from_string(said.subject) if mail else None,
        html=HTML.from_string(said.html) if mail else None,
        names=frozenset[str]().union(*(find_undeclared_variables(PLAIN.parse(part)) for part in parts)),
    )


@lru_cache(maxsize=64)
def version(document: str) -> Version:
    """A version by its whole document: a changed document is another entry, never a stale one."""
    return Version(document)
