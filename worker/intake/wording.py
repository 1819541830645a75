"""What the words of one text must and must not hold, checked as the client with the longest names would get them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from worker.intake.expressions import expression_faults
from worker.rules import lint
from worker.rules.refusal import Refusal
from worker.rules.steps import OF_CALENDAR
from worker.rules.text import GSM7_BASIC, GSM7_EXTENSION, segments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from worker.intake.protocol_shape import StepShape

MOST_SEGMENTS = 2  # each is paid for, for every client (rule 105)
LONGEST_SUBJECT = 120

_SUBJECT_NAMES = frozenset({"clinic_name", "clinic_phone"})
_SMS_NAMES = _SUBJECT_NAMES | {"first_name", "care_url", "messages_promised"}
_EMAIL_NAMES = _SMS_NAMES | {"clinic_address", "unsubscribe_url"}
_OF_VISIT = frozenset({"session_date", "session_time"})
_ANCHOR_NAMES = {
    **dict.fromkeys(("appointment", *OF_CALENDAR), _OF_VISIT),
    "course": frozenset({"earliest_date", "latest_date"}),
}
_KIND_NAMES = {
    "optin_question": frozenset({"confirm_url"}),
    "staff_reply": frozenset({"staff_words"}),
    "staff_alert": frozenset({"inbox_url"}),
}
_SMS_KIND_NAMES = {kind: names for kind, names in _KIND_NAMES.items() if kind.startswith("staff")}
_LONGEST_DATE = "miercoles, 30 de septiembre de 2026"

WORST_CASE = {
    "first_name": "Maximiliana-Bartholomaea",
    "clinic_name": "Northampton & Riverside Studio",
    "clinic_phone": "+1 415-555-0132",
    "clinic_address": "1200 Example Avenue, Suite 340, San Francisco, CA 94110, United States",
    "care_url": "https://aftercare.example-clinic.com/c/AAAAAAAAAAAAAAAAAAAAAAAA",
    "unsubscribe_url": "https://aftercare.example-clinic.com/u/AAAAAAAAAAAAAAAAAAAAAAAA",
    "confirm_url": "https://aftercare.example-clinic.com/y/AAAAAAAAAAAAAAAAAAAAAAAA",
    "session_date": _LONGEST_DATE,
    "session_time": "12:30 p.m.",
    "earliest_date": _LONGEST_DATE,
    "latest_date": _LONGEST_DATE,
    "messages_promised": "99",
    "staff_words": "We will call you this afternoon. Until then please keep to what we told you on the day.",
    "inbox_url": "https://aftercare.example-clinic.com/inbox",
}
"""The longest values an SMS must still hold, all GSM-7; what renders an SMS keeps within them (rule 105)."""

_WHERE = {"confirm_url": "link the yes to", "staff_words": "say the reply by", "inbox_url": "lead to the reply by"}
_OPENING = ("optin_question", "optin_confirmation")
_URGENT = {"en": re.compile(r"\burgent", re.IGNORECASE), "es": re.compile(r"\burgen", re.IGNORECASE)}
_SANDBOX = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)  # an SMS is no HTML


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which text is looked at: its file, its step, its language, and the treatment names it may not say aloud."""

    file: str
    step: StepShape
    language: str
    treatments: tuple[str, ...]

    def names(self, general: frozenset[str]) -> frozenset[str]:
        """`general` and the variables that only steps of this anchor have."""
        return general | _ANCHOR_NAMES.get(self.step.anchor, frozenset())


def sms_faults(text: str, place: Place) -> Iterator[Refusal]:
    """Everything wrong with an SMS template (rules 13, 22, 35-38, 41, 104, 105)."""
    own = _SMS_KIND_NAMES.get(place.step.kind, frozenset())
    unreadable = list(expression_faults(text, place.names(_SMS_NAMES) | own, place.file))
    yield from _unused(own, text, place)
    stops = place.step.kind == "stop_confirmation"
    yield from unreadable or _length_faults(text, place, most=1 if stops else MOST_SEGMENTS)
    yield from _refused(
        lint.lint_health(text, place.file, treatments=place.treatments),
        lint.lint_sms(text, place.file, stop_line=not stops),
        lint.lint_stop_confirmation(text, place.file) if stops else (),
        lint.lint_optin(text, place.file) if place.step.kind in _OPENING else (),
        lint.lint_asks_for_yes(text, place.file) if place.step.kind == "optin_question" else (),
    )
    yield from _common_faults(text, place)


def subject_faults(subject: str, place: Place) -> Iterator[Refusal]:
    """Everything wrong with a subject: it lies open like an SMS (rules 37, 123)."""
    yield from expression_faults(subject, place.names(_SUBJECT_NAMES), place.file)
    yield from _refused(
        lint.lint_health(subject, place.file, treatments=place.treatments),
        lint.lint_marketing(subject, place.file),
    )
    if len(subject) > LONGEST_SUBJECT:
        yield Refusal(place.file, "has too long a subject", f"keep it within {LONGEST_SUBJECT} characters")


def email_faults(body: str, place: Place) -> Iterator[Refusal]:
    """Everything wrong with either part of an email (rules 13, 35, 38, 41, 74)."""
    own = _KIND_NAMES.get(place.step.kind, frozenset())
    yield from expression_faults(body, place.names(_EMAIL_NAMES | own), place.file)
    leave = () if place.step.cls == "staff" else ("unsubscribe_url",)  # staff leave by a word at the clinic, or STOP
    yield from _unused(("clinic_address", *leave, *sorted(own)), body, place)
    yield from _refused(lint.lint_cancel(body, place.file))
    yield from _common_faults(body, place)


def _unused(names: Iterable[str], text: str, place: Place) -> Iterator[Refusal]:
    for name in names:
        if not _uses(name, text):
            yield Refusal(place.file, f"has no {name}", f"{_WHERE.get(name, 'end it with')} {{{{ {name} }}}}")


def html_faults(html: str, place: Place) -> Iterator[Refusal]:
    """Everything wrong with the HTML part: as `email_faults`, and it loads and runs nothing (rule 39)."""
    yield from email_faults(html, place)
    yield from _refused(lint.lint_html(html, place.file))


def _common_faults(text: str, place: Place) -> Iterator[Refusal]:
    if not text.strip():
        yield Refusal(place.file, "is empty", "write this text, or take its channel out")
    yield from _refused(
        lint.lint_marketing(text, place.file),
        lint.lint_punishment(text, place.file),
        lint.lint_links(text, place.file),
    )
    yield from _safety_faults(text, place)


def _safety_faults(text: str, place: Place) -> Iterator[Refusal]:
    """Whoever follows advice must see whom to call, and when at once (rule 41)."""
    advises = place.step.cls == "course" and place.step.purpose == "aftercare"
    if not advises and place.step.kind != "safety_reply":
        return
    if not _uses("clinic_phone", text):
        yield Refusal(place.file, "does not say whom to call", "add {{ clinic_phone }}")
    urgent = _URGENT.get(place.language)
    if urgent and not urgent.search(text):
        yield Refusal(place.file, "does not say what to do when it is urgent", "say when to call at once")


def _length_faults(text: str, place: Place, *, most: int) -> Iterator[Refusal]:
    rendered = _SANDBOX.from_string(text).render(WORST_CASE)
    foreign = sorted(set(rendered) - set(GSM7_BASIC + GSM7_EXTENSION))
    if foreign:
        shown = " ".join(foreign[:8])
        yield Refusal(place.file, f"has letters outside GSM-7: {shown}", "write it with plain letters and quotes")
    cost = segments(rendered)
    if cost.parts > most:
        problem = f"takes {cost.parts} SMS parts with the longest names"
        yield Refusal(place.file, problem, f"shorten it to {most}")


def _uses(name: str, text: str) -> bool:
    return re.search(r"\{\{-?\s*" + name + r"\s*-?\}\}", text) is not None


def _refused(*found: Iterable[lint.Finding]) -> Iterator[Refusal]:
    for finding in chain.from_iterable(found):
        problem, _, mend = finding.message.partition("; ")
        yield Refusal(finding.where, problem, mend or f"reword it to keep rule {finding.rule}")
