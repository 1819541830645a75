"""The demo's judge: reads what the outside saw, and asks of every promise whether it was kept.

The witness is the provider's own log, not our database; the database is asked only what was agreed, approved and
planned. A promise that nothing could break in this run is not called kept: each check names how many cases it saw.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from worker import dates
from worker.models import Appointment, Approval, Attempt, Client, ConsentEvent, Event, Message
from worker.models.consent import Act
from worker.rules.names import MessageClass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from worker.sandbox.story import Happenings

ATTEMPT = re.compile(r"[?&]d=([0-9a-f]{32})|bounce\+([0-9a-f]{32})[0-9a-f]{16}@")
SENT = {"accepted", "delivered"}
FINAL = {*SENT, "withheld", "cancelled", "missed", "refused"}
OPENS, CLOSES, SUNDAY_OPENS = time(9), time(20), time(12)


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message as the outside took it: to whom, when by the calendar, its words, and our attempt's record."""

    to: str
    at: datetime
    text: str
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a promise held, over how many cases, and what broke it."""

    promise: str
    says: str
    cases: int
    faults: list[str]

    @property
    def held(self) -> bool:
        """Kept, and there was something to keep."""
        return self.cases > 0 and not self.faults


def arrived(log: list[dict[str, Any]]) -> list[Arrived]:
    """Every accepted SMS and mail of the witness's log that an attempt of ours explains, in its order."""
    return [made for entry in log if _came(entry) and (made := _arrived(entry)) is not None]


def _came(entry: dict[str, Any]) -> bool:
    return entry["kind"] in ("create", "mail") and bool(entry.get("accepted"))


def _arrived(entry: dict[str, Any]) -> Arrived | None:
    if entry["kind"] == "create":
        to, text, trace = entry["params"]["To"], entry["params"]["Body"], entry["params"].get("StatusCallback", "")
    else:
        to, text, trace = entry["rcpt"][0], entry["text"], entry["mail_from"]
    found = ATTEMPT.search(trace)
    known = Attempt.objects.select_related("message__step", "message__client", "message__version")
    attempt = known.filter(pk=UUID(found[1] or found[2])).first() if found else None
    return Arrived(to, datetime.fromtimestamp(entry["calendar"], UTC), text, attempt) if attempt else None


def verdicts(log: list[dict[str, Any]], story: Happenings) -> list[Verdict]:
    """P1 to P8, judged."""
    seen = arrived(log)
    course = [each for each in seen if each.attempt.cls == MessageClass.COURSE]
    checks: list[tuple[str, str, Callable[[], Iterator[str | None]]]] = [
        ("P1", "no consent, no send", lambda: _consented(seen)),
        ("P2", "stop is final", lambda: _stopped(seen, log, story)),
        ("P3", "only what a practitioner approved", lambda: _approved(seen)),
        ("P4", "once", lambda: _once(seen)),
        ("P5", "nothing lost, nothing silent", lambda: _nothing_lost(seen)),
        ("P6", "the right hour", lambda: _right_hour(course)),
        ("P7", "true when read", lambda: _true_when_read(seen, story)),
        ("P8", "explained", lambda: _explained(log)),
    ]
    return [_judged(promise, says, list(check())) for promise, says, check in checks]


def _judged(promise: str, says: str, cases: list[str | None]) -> Verdict:
    return Verdict(promise, says, len(cases), [fault for fault in cases if fault])


def _consented(seen: list[Arrived]) -> Iterator[str | None]:
    """Her last word on it, when it came, was yes; who agreed to nothing got nothing."""
    for each in seen:
        message = each.attempt.message
        said = ConsentEvent.objects.filter(
            client_id=message.client_id, channel=message.channel, recorded_at__lte=each.at
        ).order_by("pk")
        if message.cls == MessageClass.COURSE:
            last = said.filter(purpose=message.purpose).exclude(act=Act.CONFIRMED).last()
            yes = last is not None and last.act in (Act.GIVEN, Act.RESTORED)
        else:
            yes = said.filter(act=Act.GIVEN).exists()
        yield None if yes else f"message {message.pk} left without consent"
    agreed = ConsentEvent.objects.filter(act=Act.GIVEN, client_id__isnull=False).values("client_id")
    for client_id in Client.objects.exclude(pk__in=agreed).values_list("pk", flat=True):
        got = [each for each in seen if each.attempt.message.client_id == client_id]
        yield f"client {client_id} agreed to nothing and got {len(got)}" if got else None


def _stopped(seen: list[Arrived], log: list[dict[str, Any]], story: Happenings) -> Iterator[str | None]:
    """After a stop at most the one confirmation reached that address, and the webhook's answer was none."""
    replies = [entry for entry in log if entry["kind"] == "answer"]
    for address, at in story.stopped_at.items():
        later = [each for each in seen if each.to == address and each.at >= at]
        kinds = Counter(each.attempt.message.kind or each.attempt.message.step.code for each in later)
        yield None if set(kinds) <= {"stop_confirmation"} else f"after a stop came {dict(kinds)}"
        yield None if kinds["stop_confirmation"] <= 1 else "the stop was confirmed twice"
        answered = any(entry["to"] == address for entry in replies)
        yield "the webhook's answer was a text of its own" if answered else None


def _approved(seen: list[Arrived]) -> Iterator[str | None]:
    """The words seen outside are those decided on, and their version's hash was approved at that moment."""
    for each in seen:
        attempt, version = each.attempt, each.attempt.message.version
        words = hashlib.sha256(each.text.replace("\r\n", "\n").strip().encode()).hexdigest()
        document = hashlib.sha256(version.document.encode()).hexdigest()
        standing = Approval.objects.filter(
            version=version, sha256=document, approved_at__lte=each.at, review_by__gt=each.at
        ).exclude(withdrawn_at__lte=each.at)
        if words != attempt.body_sha256:
            yield f"attempt {attempt.pk.hex[:8]} left with other words than decided"
        else:
            yield None if standing.exists() else f"attempt {attempt.pk.hex[:8]} left without approval"


def _once(seen: list[Arrived]) -> Iterator[str | None]:
    for message_id, count in Counter(each.attempt.message_id for each in seen).items():
        yield f"message {message_id} arrived {count} times" if count > 1 else None


def _nothing_lost(seen: list[Arrived]) -> Iterator[str | None]:
    """Every message has come to an end, and what we call sent was seen outside."""
    came = {each.attempt.message_id for each in seen}
    for pk, state in Message.objects.values_list("pk", "state"):
        yield None if state in FINAL else f"message {pk} is still {state}"
        if state in SENT:
            yield None if pk in came else f"message {pk} is {state}, but never arrived"


def _right_hour(course: list[Arrived]) -> Iterator[str | None]:
    """09:00 to 20:00 on the client's own clock, from noon on Sundays."""
    for each in course:
        wall = each.at.astimezone(ZoneInfo(each.attempt.message.zone))
        opens = SUNDAY_OPENS if wall.weekday() == 6 else OPENS  # noqa: PLR2004 - Sunday
        inside = opens <= wall.time() < CLOSES
        yield None if inside else f"message {each.attempt.message_id} arrived at {wall:%a %H:%M}"


def _true_when_read(seen: list[Arrived], story: Happenings) -> Iterator[str | None]:
    """Nothing arrived after its last useful moment, and no reminder names a time that was moved."""
    for each in seen:
        message = each.attempt.message
        yield None if each.at < message.expires_at else f"message {message.pk} arrived too late to be true"
    for visit in Appointment.objects.order_by("pk"):
        reminders = [each for each in seen if each.attempt.message.appointment_id == visit.pk]
        for each in reminders:
            message = each.attempt.message
            zone = ZoneInfo(message.zone)
            now_true = dates.said_date(visit.starts_at, zone, message.language)
            old = [dates.said_date(at, zone, message.language) for at in story.old_times]
            wrong = "{{ session_date }}" in _template(message) and now_true not in each.text
            stale = any(date in each.text for date in old)
            yield f"message {message.pk} names a dead time" if wrong or stale else None


def _template(message: Message) -> str:
    from worker import rendering
    from worker.rules.names import Channel

    source = rendering.version(message.version.document).source
    return source.step(message.step.code).text(Channel(message.channel), source.languages[0]).text


def _explained(log: list[dict[str, Any]]) -> Iterator[str | None]:
    """Every message has a decision on record, and all that came in was decided by us."""
    for entry in filter(_came, log):
        yield None if _arrived(entry) else f"entry {entry['seq']} of the outside's log was never decided here"
    for pk in Message.objects.values_list("pk", flat=True):
        told = Event.objects.filter(subject=f"message:{pk}").exists()
        yield None if told else f"message {pk} has no decision on record"
