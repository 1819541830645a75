"""What a client's calendar got by mail follows the visit: moved, cancelled, taken up again (P2, P4, P7; RFC 5546).

The mails go over a real SMTP connection to a real server, and are read there as her mail program and her calendar
would read them.
"""

from __future__ import annotations

import email
import email.policy
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from icalendar import Calendar

from tests import builders
from tests.actions import post
from tests.actions.course.versions import approved, newest
from tests.builders import NOW, OKAFOR
from tests.channels.relays import Relay, relay
from tests.lives import live
from worker import clock, rendering
from worker.actions.consent.unsubscribe import unsubscribe
from worker.actions.course import appointment
from worker.actions.course.adopt import adopt
from worker.actions.protocols.approve import the_protocol
from worker.actions.send.due import close_missed
from worker.channels import smtp
from worker.channels.base import NotStarted, Unknown
from worker.channels.smtp import Connection
from worker.models import Appointment, Message, StaffTask
from worker.rules.lint import lint_health, lint_marketing
from worker.rules.refusal import Refusals
from worker.rules.states import OPEN
from worker.rules.steps import OF_CALENDAR

if TYPE_CHECKING:
    from datetime import datetime

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
VISIT = NOW + 36 * DAY
REMINDED = VISIT - 7 * DAY + 8 * HOUR  # an hour after the reminder of the week before was due


@dataclass(frozen=True)
class Entry:
    """One edition of a visit, as a calendar reads it."""

    uid: str
    sequence: int
    method: str
    status: str
    starts_at: datetime
    mail: email.message.EmailMessage

    @property
    def says(self) -> str:
        return self.mail.get_body(("plain",)).get_content()


def entries(mails):
    """The entries in these bytes, in the order in which they came."""
    for raw in mails:
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        for part in mail.walk():
            if part.get_content_type() == "text/calendar":
                calendar = Calendar.from_ical(part.get_payload(decode=True))
                (event,) = calendar.walk("VEVENT")
                assert calendar["METHOD"] == part.get_param("method")
                yield Entry(
                    str(event["UID"]),
                    event["SEQUENCE"],
                    str(calendar["METHOD"]),
                    str(event["STATUS"]),
                    event.start,
                    mail,
                )


@dataclass
class Mailbox:
    """Hers, behind a server of its own, and the line to it."""

    server: Relay
    line: Connection

    def call(self, out):
        return self.line.deliver(out, clock.running())

    def round(self, now, *answers):
        """What came out of one round of the post; an answer is instead of the line's own."""
        before = len(self.server.mails)
        post.round_of_post(now, post.Provider([*answers, *[self.call] * 9]), channel="email")
        return list(entries(self.server.mails[before:]))


@pytest.fixture(scope="module")
def mailbox():
    with relay() as server:
        there = smtp.Relay(host="127.0.0.1", port=server.port, secure=False, user="", password="")
        line = Connection(there, wait=10, last_wait=10)
        line.open()
        yield Mailbox(server, line)
        line.close()


@pytest.fixture
def reminded(house, mailbox):
    """Alice, whose calendar has got her visit by mail; the visit, and that entry."""

    def enrolled(**changes):
        alice = builders.alice(**{"visit": VISIT, **changes}).client
        post.confirmed(NOW)
        (entry,) = mailbox.round(REMINDED)
        return Appointment.objects.get(client=alice), entry

    return enrolled


def end(visit, now):
    appointment.end(appointment_id=visit.pk, status="cancelled", by="staff:1", now=now)


def next_mails(mailbox, now):
    """What comes within the next day and a half."""
    return [entry for hours in range(0, 36, 3) for entry in mailbox.round(now + hours * HOUR)]


@pytest.mark.parametrize(("language", "said"), [("en", "will not take place"), ("es", "no tendrá lugar")])
def test_a_cancelled_visit_leaves_her_calendar_by_one_mail(reminded, mailbox, language, said):
    """P7, RFC 5546 3.2.5: the same entry, a higher SEQUENCE, METHOD:CANCEL; in her language, nothing of her care."""
    visit, first = reminded(language=language)
    end(visit, REMINDED + HOUR)
    (gone,) = next_mails(mailbox, REMINDED + 2 * HOUR)
    assert (gone.method, gone.status, gone.uid) == ("CANCEL", "CANCELLED", first.uid)
    assert gone.sequence > first.sequence
    assert said in " ".join(gone.says.split())
    subject = gone.mail["Subject"]
    assert lint_health(subject, "subject", brand=visit.clinic.name) == ()
    assert lint_marketing(f"{subject} {gone.says}", "mail") == ()
    assert Message.objects.get(kind="cancellation").purpose == "reminders"


def test_a_visit_that_no_mail_told_of_needs_none(house, mailbox):
    """P7: nothing is in her calendar, so nothing has to leave it; the cancellation is no news by itself."""
    alice = builders.alice(visit=VISIT).client
    post.confirmed(NOW)
    end(Appointment.objects.get(client=alice), NOW + HOUR)
    assert not Message.objects.filter(kind__in=OF_CALENDAR).exists()
    assert next_mails(mailbox, NOW + HOUR) == []


def test_a_visit_taken_up_again_in_time_stays(reminded, mailbox):
    """P7: what has not gone yet ends with the cancellation; her calendar never heard of it."""
    visit, _ = reminded()
    end(visit, REMINDED + HOUR)
    appointment.reopen(appointment_id=visit.pk, by="staff:1", now=REMINDED + 2 * HOUR)
    ended = Message.objects.get(kind="cancellation")
    assert (ended.state, ended.reason) == ("cancelled", "appointment_reopened")
    assert next_mails(mailbox, REMINDED + 3 * HOUR) == []


def test_a_visit_taken_up_again_after_the_mail_comes_back(reminded, mailbox):
    """P4, P7: one mail out, one mail in, and again one out; each with a higher SEQUENCE."""
    visit, _ = reminded()
    told = []
    for number in range(3):
        at = REMINDED + HOUR + number * 2 * DAY
        if number % 2:
            appointment.reopen(appointment_id=visit.pk, by="staff:1", now=at)
        else:
            end(visit, at)
        told += next_mails(mailbox, at)
    assert [each.method for each in told] == ["CANCEL", "PUBLISH", "CANCEL"]
    assert [each.sequence for each in told] == sorted({each.sequence for each in told})


def test_after_her_no_nothing_goes(reminded, mailbox):
    """P2: not even to take a visit out of a calendar."""
    visit, _ = reminded()
    end(visit, REMINDED + HOUR)
    key = visit.client.contacts.get(channel="email").link_key
    assert unsubscribe(link_key=key, method="one-click", now=REMINDED + HOUR)
    assert next_mails(mailbox, REMINDED + 2 * HOUR) == []
    assert Message.objects.get(kind="cancellation").state == "cancelled"


def test_a_visit_moved_far_away_moves_in_her_calendar_now(reminded, mailbox):
    """P7: the next reminder is weeks off, and until then the old day would stand there."""
    visit, first = reminded()
    appointment.move(appointment_id=visit.pk, starts_at=VISIT + 40 * DAY, by="staff:1", now=REMINDED + HOUR)
    (moved,) = next_mails(mailbox, REMINDED + 2 * HOUR)
    assert (moved.method, moved.uid, moved.starts_at) == ("PUBLISH", first.uid, VISIT + 40 * DAY)
    assert moved.sequence > first.sequence


def test_a_reminder_that_goes_anyway_is_enough(reminded, mailbox):
    """Rule 51: moved so that a reminder is due the same evening, she gets that one, and no second mail in its way."""
    visit, _ = reminded()
    at = REMINDED + DAY - 4 * HOUR
    appointment.move(appointment_id=visit.pk, starts_at=REMINDED + 2 * DAY, by="staff:1", now=at)
    assert [each.starts_at for each in next_mails(mailbox, at)] == [REMINDED + 2 * DAY]
    waited = Message.objects.get(kind="change")
    assert (waited.state, waited.reason) == ("cancelled", "went_in_time")


def test_a_reminder_that_could_not_go_is_made_up_for(reminded, mailbox):
    """P7: an hour after one reminder the next may not go, and is over in the evening: the mail that waited goes."""
    visit, _ = reminded()
    appointment.move(appointment_id=visit.pk, starts_at=REMINDED + DAY, by="staff:1", now=REMINDED)
    assert [each.starts_at for each in next_mails(mailbox, REMINDED)] == [REMINDED + DAY]
    assert builders.message(visit.client, "next-session-day", "email").state == "missed"


def test_too_late_for_a_mail_is_a_call(reminded, mailbox):
    """P5: her visit is at half past eight, cancelled the evening before; no mail goes before nine: a person calls."""
    early = VISIT - 1.5 * HOUR
    visit, _ = reminded(visit=early)
    end(visit, early - 12 * HOUR)
    asked = StaffTask.objects.get(kind="hand_over", facts__step="session-cancelled")
    assert asked.due_at == early
    assert next_mails(mailbox, early - 12 * HOUR) == []


def _without(source):
    return replace(source, steps=tuple(step for step in source.steps if step.rule.anchor not in OF_CALENDAR))


def test_a_protocol_without_the_words_sends_nothing_until_it_has_them(house, mailbox):
    """P3: no words but approved ones; a new version that has them takes over a running course with its cancellation."""
    whole = newest(house.lakeside)
    approved(house.lakeside, _without(whole), NOW)
    alice = builders.alice(visit=VISIT).client
    post.confirmed(NOW)
    mailbox.round(REMINDED)
    end(Appointment.objects.get(client=alice), REMINDED + HOUR)
    assert not Message.objects.filter(kind__in=OF_CALENDAR).exists()

    approved(house.lakeside, replace(whole, frequency=whole.frequency + 1), NOW)
    adopt(protocol=the_protocol(builders.PROTOCOL, clinic_slug="lakeside"), by=OKAFOR, now=REMINDED + 2 * HOUR)
    (gone,) = next_mails(mailbox, REMINDED + 3 * HOUR)
    assert gone.method == "CANCEL"
    assert rendering.version(Message.objects.get(kind="cancellation").version.document).source.frequency == 15


class Visits(RuleBasedStateMachine):
    """Alice's visits, her calendar, and the post between them."""

    mailbox: Mailbox
    names = st.sampled_from(["V-1", "V-2"])

    @initialize()
    def begin(self):
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        builders.house()
        self.now, self.came, self.stopped = NOW, [], False
        self.alice = builders.alice(treated=None, visit=NOW + 9 * DAY).client
        post.confirmed(NOW)
        self.the_post_goes(times=1, fault="")
        assert [each.method for each in self.came] == ["PUBLISH"]

    def teardown(self):
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @rule(name=names, moves=st.sampled_from([True, False, False]), days=st.sampled_from([1, 3, 9, 30]))
    def the_desk(self, name, moves, days):
        """Books what is not there; else moves it, or cancels it and takes it up again."""
        visit, at = Appointment.objects.filter(external_id=name).first(), self.now + days * DAY
        try:
            if visit is None:
                appointment.book(
                    client_id=self.alice.pk, starts_at=at, external_id=name, by="staff:1", now=self.now,
                    protocol=builders.PROTOCOL,
                )  # fmt: skip
            elif moves:
                appointment.move(appointment_id=visit.pk, starts_at=at, by="staff:1", now=self.now)
            elif visit.status == "booked":
                end(visit, self.now)
            else:
                appointment.reopen(appointment_id=visit.pk, by="staff:1", now=self.now)
        except Refusals:
            return

    @rule(times=st.integers(3, 5), fault=st.sampled_from(["", "", "not started", "unknown"]))
    def some_post(self, times, fault):
        self.the_post_goes(times, fault)

    def the_post_goes(self, times, fault):
        """At the next hours at which a mail is due; the first of them may go wrong."""
        known = {"not started": lambda _: NotStarted("late"), "unknown": self._unknown}
        for number in range(times):
            waiting = Message.objects.filter(channel="email", state="planned").order_by("due_at").first()
            self.now = max(self.now + HOUR, waiting.due_at if waiting else self.now)
            close_missed(now=self.now, machine=self.now)
            self.came += self.mailbox.round(self.now, *([known[fault]] if fault and not number else []))

    def _unknown(self, out):
        self.mailbox.call(out)
        return Unknown("reset")

    @precondition(lambda self: self.now > NOW + 20 * DAY and not self.stopped)
    @rule()
    def she_ends_her_mails(self):
        key = self.alice.contacts.get(channel="email").link_key
        self.stopped = unsubscribe(link_key=key, method="one-click", now=self.now)
        self.came_before = len(self.came)

    @invariant()
    def nothing_comes_after_her_no(self):
        assert not self.stopped or len(self.came) == self.came_before

    @invariant()
    def each_entry_goes_once_for_each_time_it_came(self):
        by_visit = defaultdict(list)
        for each in self.came:
            by_visit[each.uid].append(each)
        for told in by_visit.values():
            numbers, methods = [each.sequence for each in told], [each.method for each in told]
            assert numbers == sorted(numbers)
            assert methods[0] == "PUBLISH"
            assert ["CANCEL"] * 2 not in [methods[place : place + 2] for place in range(len(methods))]

    @invariant()
    def her_calendar_is_true_or_a_mail_or_a_person_is_on_the_way(self):
        holds = {each.uid.partition("@")[0]: each for each in self.came}  # an older SEQUENCE never comes later
        coming = Appointment.objects.filter(starts_at__gt=self.now, status__in=["booked", "cancelled"])
        for visit in () if self.stopped else coming:
            held = holds.get(f"visit-{visit.pk}")
            true = held is None or (
                held.starts_at == visit.starts_at and (held.method == "CANCEL") == (visit.status == "cancelled")
            )
            on_the_way = Message.objects.filter(appointment=visit, channel="email", state__in=OPEN)
            withheld = Message.objects.filter(appointment=visit, kind__in=OF_CALENDAR, state__in=["withheld", "missed"])
            asked = StaffTask.objects.filter(kind="hand_over", facts__step__startswith="session-c")
            assert true or on_the_way.exists() or withheld.exists() or asked.exists()


@pytest.mark.usefixtures("db")
def test_no_order_of_events_leaves_her_calendar_untrue(mailbox):
    """P2, P4, P7: booked, moved, cancelled and taken up again in any order, over real SMTP."""
    machine = type("Her", (Visits,), {"mailbox": mailbox})
    live(machine, lives=5, steps=10, shrink=False)
