"""What people say and leave: replies, STOPs, tasks and pauses that grow old."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg

from tests.alerts.ground import LAKESIDE, WIRE
from tests.processes import people
from tests.processes.people import MAIL, SMS_CARE
from tests.processes.witness import until

if TYPE_CHECKING:
    from tests.alerts.watch import Watch

BOTH = (("sms", "aftercare"), ("email", "aftercare"))
DOUBT = "the blue lamp, perhaps?"
RED = "it is bleeding and I have a fever"
MANY_STOPS, FEW = 14, 3
SLOWLY = 0.5  # seconds that each answer of the database takes while the first say STOP
SEEN = 1.5  # seconds until a scrape has seen it: with a slow database none comes to its end


def a_day_before(watch: Watch) -> None:
    """A house that has run for a while: each counter has counted, a reply waits, a mail broke off, email is paused."""
    house = watch.house
    house.morning()
    house.cli("api-key", "make", "--clinic", "lakeside", "--source", "cliniko", "--by", people.SAM)
    house.sandbox.faults(handsets={"*": {"status": "undelivered", "error_code": 30007}})
    for name in ("alice", "bob", "carol", "eve"):
        watch.people[name] = house.enrol(agrees=BOTH if name == "alice" else SMS_CARE)
    house.quiet()
    house.sandbox.clear_faults()
    house.sandbox.reply(watch.people["eve"].phone, "STOP", to=LAKESIDE)
    house.sandbox.reply(watch.people["carol"].phone, DOUBT, to=LAKESIDE)
    house.sandbox.reply(people.phone(1990), RED, to=LAKESIDE)
    broken_off(watch)
    house.cli("pause", "--channel", "email", "--why", "the relay is being moved", "--by", "Charlie")
    watch.prometheus.waits_for("sum(aftercare_optout_events_total) >= 1")
    watch.prometheus.waits_for('aftercare_delivery_receipts_total{status="undelivered"} >= 1')


def broken_off(watch: Watch) -> None:
    """A mail of which nobody knows whether it was taken: no provider keeps a list of those."""
    house = watch.house
    house.sandbox.faults(smtp=[{"stage": "drop"}])
    dan = watch.people["dan"] = house.enrol(agrees=MAIL)
    until(lambda: house.messages(dan, state="unknown"))
    house.sandbox.clear_faults()


def what_grew_old(watch: Watch) -> None:
    """Some days later: a warning sign, a reply and its task that nobody looked at, a calendar, a pause that goes on."""
    watch.fires("RedFlagUnanswered")
    watch.fires("FeedSilent")
    watch.fires("TasksLate")
    watch.fires("HoldsOld")
    watch.fires("PausedLong")


def many_say_stop(watch: Watch) -> None:
    """Some say STOP, each while every answer of the database takes 500 ms more; then others, with a quick database."""
    house = watch.house

    def deed() -> None:
        house.sandbox.faults(list_lag_ms=3_600_000)  # or the worker, whose database is quick, reads it in the list
        phones = list(watch.crowd.values())[:MANY_STOPS]
        for phone in phones[:FEW]:
            house.wires.slow(WIRE, SLOWLY)
            say([phone])
            house.wires.slow(WIRE, 0)
            time.sleep(SEEN)
        say(phones[FEW:])

    def say(phones: list[str]) -> None:
        for phone in phones:
            house.sandbox.reply(phone, "STOP", to=LAKESIDE, wait=False)
        until(lambda: house.sandbox.quiet()["quiet"])

    watch.causes(deed, "StopsSlow", "OptOutsMany")
    house.sandbox.clear_faults()


def words_are_kept_for_too_long(watch: Watch) -> None:
    """A reply of last year lies in the table with its words; the hourly round comes at seventeen minutes past."""
    asked = "UPDATE aftercare_inbound SET received_at = received_at - interval '1 year' WHERE body_sealed IS NOT NULL"

    def deed() -> None:
        with psycopg.connect(watch.house.url) as line:
            line.execute(asked)

    watch.causes(deed, "RetentionBehind")


def somebody_changes_the_tables(watch: Watch) -> None:
    """A hand in the database sets a STOP back to a day before texts that had left."""
    asked = "UPDATE aftercare_standing SET suppressed_at = suppressed_at - interval '20 days'"

    def deed() -> None:
        with psycopg.connect(watch.house.url) as line:
            line.execute(f"{asked} WHERE suppressed_at IS NOT NULL")

    watch.causes(deed, "SentAfterStop")
