"""The strict shape of protocol.toml: every unknown key, missing key and odd value refused at once."""

from __future__ import annotations

import re
from datetime import time, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from worker.intake.protocol_checkin import CODE, LONGEST_CODE, CheckinShape, Code, Language, checkin_faults, hidden
from worker.rules.refusal import Refusal
from worker.rules.steps import OF_CALENDAR, Calendar, Elapsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from worker.rules.steps import When

FILE = "protocol.toml"
_MIDNIGHT, _NEXT_MIDNIGHT = timedelta(0), timedelta(days=1)
_CODE = re.compile(CODE)
Days = Annotated[int, Field(ge=1, le=365)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Moment(_Strict):
    """``{ days = 3, at = "10:00" }`` on the client's wall clock, or ``{ hours = 4, minutes = 30 }`` elapsed."""

    days: Annotated[int, Field(ge=-90, le=400)] | None = None
    at: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] | None = None
    hours: Annotated[int, Field(ge=0, le=9600)] | None = None
    minutes: Annotated[int, Field(ge=0, le=9600)] | None = None

    def when(self) -> When | None:
        """The rule's own moment (rule 136), or None when both kinds, or half of one, are written."""
        elapsed = [part for part in (self.hours, self.minutes) if part is not None]
        if self.days is not None and self.at is not None and not elapsed:
            return Calendar(days=self.days, at=time.fromisoformat(self.at))
        if elapsed and self.days is None and self.at is None:
            return Elapsed(delta=timedelta(hours=self.hours or 0, minutes=self.minutes or 0))
        return None


class Says(_Strict):
    """``{ topic = "exfoliating", telling = "avoid", until_day = 14 }``: what the words ask, for machines."""

    topic: Code
    telling: Literal["avoid", "do"]
    from_day: Annotated[int, Field(ge=0, le=400)] = 0
    until_day: Annotated[int, Field(ge=1, le=400)] | None = None


class StepShape(_Strict):
    """One ``[[step]]`` table."""

    code: Code
    cls: Annotated[Literal["course", "answer", "staff"], Field(alias="class")] = "course"
    kind: Literal[
        "", "optin_question", "optin_confirmation", "stop_confirmation", "start_confirmation", "help", "safety_reply",
        "staff_reply", "staff_alert", "correction",
    ] = ""  # fmt: skip
    purpose: Literal["aftercare", "reminders"]
    anchor: Literal["enrolment", "treatment", "appointment", "course", "change", "cancellation", "reply"]
    when: Moment
    until: Moment
    if_closed: Literal["earlier", "hand_over", "skip"] = "earlier"
    channels: Annotated[list[Literal["sms", "email"]], Field(min_length=1, max_length=2)]
    fallback: Annotated[list[Literal["sms", "email"]], Field(max_length=1)] = []
    instead_of: Code | Literal[""] = ""
    says: Annotated[list[Says], Field(max_length=20)] = []
    facts: list[Annotated[str, Field(pattern=r"^[A-Z][0-9]{1,3}$")]] = []
    questions: Annotated[list[Code], Field(max_length=12)] = []


class Frequency(_Strict):
    """The promise made at opt-in: how many messages, for each channel of each session."""

    messages: Annotated[int, Field(ge=1, le=99)]
    per: Literal["session"]


class HeaderShape(_Strict):
    """All keys above the first ``[[step]]``."""

    code: Annotated[Code, Field(max_length=80)]
    title: dict[Language, Annotated[str, Field(min_length=1, max_length=120)]]
    languages: Annotated[list[Language], Field(min_length=1, max_length=20)]
    session_interval_days: Annotated[list[Days], Field(min_length=2, max_length=2)]
    frequency: Frequency
    checkin: CheckinShape | None = None


Shape = TypeVar("Shape", bound=BaseModel)


def shaped(model: type[Shape], raw: object, field: str, faults: list[Refusal]) -> Shape | None:
    """`raw` in the shape of `model`, or None with every fault added to `faults` under `field`."""
    try:
        return model.model_validate(raw)
    except ValidationError as refused:
        faults.extend(_refusal(model, error, field) for error in refused.errors(include_url=False, include_input=False))
        return None


def _refusal(model: type[BaseModel], error: Any, field: str) -> Refusal:
    path = ".".join(_shown(str(part)) for part in error["loc"])
    where = f"{field}.{path}" if path else field
    if error["type"] == "extra_forbidden":
        known = ", ".join(sorted(info.alias or name for name, info in model.model_fields.items()))
        return Refusal(where, "is not a known key", f"remove it or correct its spelling; {field} knows {known}")
    if error["type"] == "missing":
        return Refusal(where, "is missing", "add it")
    return Refusal(where, "has the wrong shape", error["msg"].replace("Input should", "it should"))


def _shown(key: str) -> str:
    """A key as its author wrote it, as far as a terminal can show it."""
    return "".join(letter if letter.isprintable() else "?" for letter in key[:LONGEST_CODE])


def header_faults(header: HeaderShape) -> Iterator[Refusal]:
    """What the shape alone can't say about the keys above the steps."""
    if len(set(header.languages)) < len(header.languages):
        yield Refusal(f"{FILE}.languages", "names a language twice", "name each language once")
    if set(header.title) != set(header.languages):
        yield Refusal(f"{FILE}.title", "does not match the languages", "give one title for each language")
    for language, title in header.title.items():
        yield from hidden(title, f"{FILE}.title.{language}")
    shortest, longest = header.session_interval_days
    if shortest > longest:
        yield Refusal(f"{FILE}.session_interval_days", "ends before it begins", "write the shorter interval first")


def steps_faults(steps: list[StepShape], header: HeaderShape | None) -> Iterator[Refusal]:
    """What concerns one step's timing and class, and all steps together."""
    yield from chain.from_iterable(map(_step_faults, steps))
    yield from chain.from_iterable(_substitute_faults(step, steps) for step in steps if step.instead_of)
    for each, word in ((_codes(steps), "code"), (_kinds(steps), "kind"), (_calendars(steps), "anchor")):
        for name in sorted({name for name in each if each.count(name) > 1}):
            yield Refusal(f"{FILE}.step.{name}", f"shares its {word} with another step", f"use each {word} once")
    yield from _promise_faults(steps, header)
    if header:
        asked = {step.code: step.questions for step in steps}
        yield from checkin_faults(header.checkin, header.languages, asked, FILE)


def _codes(steps: Iterable[StepShape]) -> list[str]:
    return [step.code for step in steps]


def _kinds(steps: Iterable[StepShape]) -> list[str]:
    return [step.kind for step in steps if step.kind not in ("", "correction")]


def _calendars(steps: Iterable[StepShape]) -> list[str]:
    """An entry is corrected by one mail."""
    return [step.anchor for step in steps if step.anchor in OF_CALENDAR]


def _promise_faults(steps: list[StepShape], header: HeaderShape | None) -> Iterator[Refusal]:
    course = [step for step in steps if step.cls == "course" and not (step.instead_of or step.kind)]  # one of two goes
    most = max(
        (sum(channel in (*step.channels, *step.fallback) for step in course) for channel in ("sms", "email")), default=0
    )
    if header and most > header.frequency.messages:  # the number at opt-in is a cap (rule 52)
        field = f"{FILE}.frequency.messages"
        yield Refusal(field, "promises fewer messages than the steps send", f"write at least {most}, or drop steps")


def _step_faults(step: StepShape) -> Iterator[Refusal]:
    field = f"{FILE}.step.{step.code}"
    if len(set(step.channels)) < len(step.channels):
        yield Refusal(f"{field}.channels", "names a channel twice", "name each channel once")
    if set(step.fallback) & set(step.channels):
        yield Refusal(f"{field}.fallback", "names a channel that it goes by anyway", "take it out of one of the two")
    if step.fallback and step.cls == "answer":
        yield Refusal(f"{field}.fallback", "is not for answers", "leave it out: an answer goes where the question came")
    yield from _class_faults(step, field)
    yield from _calendar_faults(step, field)
    yield from _says_faults(step, field)
    yield from _moment_faults(step, field)


def _substitute_faults(step: StepShape, steps: list[StepShape]) -> Iterator[Refusal]:
    """A substitute comes after the time of a step that is none itself, to the same end (rule 50)."""
    field = f"{FILE}.step.{step.code}.instead_of"
    first = next((each for each in steps if each.code == step.instead_of), None)
    if first is None or first.instead_of or first.code == step.code:
        yield Refusal(field, "names no step that could be missed", "name another step, which is no substitute itself")
        return
    if "answer" in (step.cls, first.cls) or (step.anchor, step.purpose) != (first.anchor, first.purpose):
        yield Refusal(field, "names a step of another kind", "give both the same class, anchor and purpose")
    if not set(step.channels) <= set(first.channels):
        yield Refusal(field, "names a step that goes by other channels", "leave those channels out of the substitute")
    until, when = first.until.when(), step.when.when()
    if until and when and not all(_offset(until, hour) <= _offset(when, hour) for hour in (_MIDNIGHT, _NEXT_MIDNIGHT)):
        yield Refusal(
            field, "names a step that may still go then", "begin the substitute when the other's time is over"
        )


def _says_faults(step: StepShape, field: str) -> Iterator[Refusal]:
    topics = [said.topic for said in step.says]
    if len(set(topics)) < len(topics):
        yield Refusal(f"{field}.says", "names a topic twice", "say of each topic one thing")
    for said in step.says:
        if said.until_day is not None and said.until_day <= said.from_day:
            yield Refusal(f"{field}.says", "ends before it begins", "write a later until_day")
    if step.says and (step.cls == "answer" or step.anchor not in ("treatment", "appointment")):
        yield Refusal(
            f"{field}.says", "counts from nothing", "only steps of a treatment or an appointment say such things"
        )


_FITS = {"course": ("", "correction"), "staff": ("staff_alert",)}


def _class_faults(step: StepShape, field: str) -> Iterator[Refusal]:
    if step.cls == "answer" and not step.kind:
        yield Refusal(f"{field}.kind", "is missing for an answer", "write which of the fixed answers it is")
    elif step.cls == "answer" and step.kind in ("correction", "staff_alert"):
        yield Refusal(f"{field}.kind", "is no answer", 'write class = "course" for a correction, "staff" for an alert')
    elif step.cls == "course" and step.kind not in _FITS["course"]:
        yield Refusal(f"{field}.kind", "is only for answers", 'leave it out, or write class = "answer"')
    elif step.cls == "staff" and step.kind not in _FITS["staff"]:
        yield Refusal(f"{field}.kind", "is missing for a message to staff", 'write kind = "staff_alert"')
    yield from _anchor_faults(step, field)
    if step.questions and (step.cls != "course" or step.kind):
        yield Refusal(f"{field}.questions", "belong to a step of the course", "ask them after such a step")


def _anchor_faults(step: StepShape, field: str) -> Iterator[Refusal]:
    by_hand = step.cls != "course" or step.kind == "correction"
    if not by_hand and step.anchor == "reply":
        mend = "anchor it to enrolment, treatment, appointment or course"
        yield Refusal(f"{field}.anchor", "makes a course message wait for a reply", mend)
    own = "enrolment" if step.kind == "optin_confirmation" else "reply"
    if by_hand and step.anchor != own:
        what = "answer" if step.cls == "answer" else "message"
        yield Refusal(f"{field}.anchor", f"does not fit this {what}", f'write anchor = "{own}"')


def _calendar_faults(step: StepShape, field: str) -> Iterator[Refusal]:
    """What corrects an entry goes where the entry went, and stands in for nothing."""
    if step.anchor in OF_CALENDAR and (step.channels, step.fallback) != (["email"], []):
        yield Refusal(f"{field}.channels", "bring nothing into a calendar", 'write channels = ["email"], no fallback')
    if step.anchor in OF_CALENDAR and (step.purpose != "reminders" or step.instead_of):
        yield Refusal(f"{field}.purpose", "is not that of a visit", 'write purpose = "reminders", and no instead_of')


def _moment_faults(step: StepShape, field: str) -> Iterator[Refusal]:
    when, until = step.when.when(), step.until.when()
    for name, moment in (("when", when), ("until", until)):
        if moment is None:
            mend = 'write either { days = 3, at = "10:00" } or { hours = 4, minutes = 30 }'
            yield Refusal(f"{field}.{name}", "is neither a day with an hour nor a time elapsed", mend)
    if when and until and not _in_order(when, until):
        yield Refusal(f"{field}.until", "is not after `when` at every hour of the day", "write a later moment")
    days = [moment.days for moment in (when, until) if isinstance(moment, Calendar)]
    if step.anchor != "appointment" and min(days, default=0) < 0:
        yield Refusal(f"{field}.when", "lies before what it counts from", "only appointment steps count backwards")


def _in_order(when: When, until: When) -> bool:
    """Whether `until` is later than `when` wherever in its day the anchor falls (rule 50)."""
    return all(_offset(when, hour) < _offset(until, hour) for hour in (_MIDNIGHT, _NEXT_MIDNIGHT))


def _offset(moment: When, hour: timedelta) -> timedelta:
    """From the midnight before the anchor, when the anchor falls at `hour`."""
    if isinstance(moment, Elapsed):
        return hour + moment.delta
    return timedelta(days=moment.days, hours=moment.at.hour, minutes=moment.at.minute)


def raw_steps(raw: Mapping[str, object], faults: list[Refusal]) -> Iterator[tuple[str, object]]:
    """Each ``[[step]]`` as written, with the name its faults carry: its code, else its place in the file."""
    steps = raw.get("step")
    if not isinstance(steps, list) or not steps:
        faults.append(Refusal(f"{FILE}.step", "is missing", "describe each message in a [[step]] table of its own"))
        return
    for place, step in enumerate(steps, start=1):
        code = step.get("code") if isinstance(step, dict) else None
        named = isinstance(code, str) and len(code) <= LONGEST_CODE and _CODE.fullmatch(code)
        yield f"{FILE}.step.{code if named else place}", step
