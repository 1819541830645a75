"""What the provider does, and what it does not: sixty clients' texts on its bad days."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.alerts.ground import LAKESIDE, frozen
from tests.alerts.shortened import LEAST
from tests.processes import people
from tests.processes.witness import until

if TYPE_CHECKING:
    from tests.alerts.watch import Watch

MANY = "60"
FILTERED = {"status": "undelivered", "error_code": 30007}


def receipts_do_not_come(watch: Watch) -> None:
    """Sixty are enrolled, and no receipt of their first text comes."""
    house = watch.house
    watch.prometheus.waits_for(f"sum(increase(aftercare_delivery_receipts_total[{LEAST:.0f}s])) == 0")  # those before

    def deed() -> None:
        house.sandbox.faults(callbacks={"missing": 1.0})
        watch.crowd = house.desk.ask("crowd", MANY)
        house.quiet()

    watch.causes(deed, "ReceiptsStopped")
    house.sandbox.clear_faults()


def a_carrier_filters(watch: Watch) -> None:
    """None of their second texts arrives; hours have passed since a mail broke off."""
    house = watch.house

    def deed() -> None:
        house.sandbox.faults(handsets={"*": FILTERED})
        house.step_to(watch.due("same-day"))

    watch.causes(deed, "Undelivered", "UnknownOutcomes")
    house.sandbox.clear_faults()


def nothing_goes_for_an_hour(watch: Watch) -> None:
    """The worker is frozen at their hour, and goes on an hour later."""
    house = watch.house
    late = datetime.fromisoformat(watch.due("day-1")) + timedelta(hours=1)
    with frozen(house, "worker"):
        watch.causes(lambda: house.leap_to(late), "MessagesLate", "NothingAccepted")
    watch.causes(house.quiet, "LatenessBudget")


def the_list_cannot_be_read(watch: Watch) -> None:
    """The provider takes texts and tells of them, and answers 503 to whoever reads its list."""
    house = watch.house

    def deed() -> None:
        house.sandbox.faults(api=[{"kind": "503", "on": "read", "chance": 1.0}])
        watch.prometheus.waits_for("aftercare_inbound_list_behind_seconds > 0")
        house.leap_to(house.now() + timedelta(minutes=20))

    watch.causes(deed, "ListsBehind")
    house.sandbox.clear_faults()
    watch.prometheus.waits_for("aftercare_inbound_list_behind_seconds == 0")


def too_many_at_once(watch: Watch) -> None:
    """The provider answers "too many" to every call."""
    house = watch.house

    def deed() -> None:
        house.sandbox.faults(api=[{"kind": "429", "count": 1000, "retry_after": 1}])
        for minutes in range(0, 8, 2):
            house.step_to(datetime.fromisoformat(watch.due("day-3")) + timedelta(minutes=minutes), down=True)

    watch.causes(deed, "ProviderSlowsUs", "ProviderTrouble")
    house.sandbox.clear_faults()
    _recovers(watch)


def our_login_is_refused(watch: Watch) -> None:
    """The token was renewed at the provider and not here."""
    house = watch.house
    provider = next(part for part in house.house.parts if part.name == "provider")
    token = provider.argv[provider.argv.index("--auth-token") + 1]

    def deed() -> None:
        house.replace_part("provider", *["renewed" if word == token else word for word in provider.argv])
        _answers(watch)
        house.step_to(watch.due("day-7"), down=True)

    began = watch.causes(deed, "ProviderRefusesUs")
    house.replace_part("provider", *provider.argv)
    _answers(watch)
    watch.fires("SenderRefused", since=began)
    _recovers(watch)


def a_limit_of_ours_is_too_low(watch: Watch) -> None:
    """The clinic's number may send one text in a hundred seconds."""
    house = watch.house
    file, text = house.home / "lakeside.toml", (people.DEMO / "lakeside.toml").read_text(encoding="utf-8")

    def deed() -> None:
        file.write_text(re.sub(r'(identity = "\+.*)', r"\1\nper_second = 0.01", text), encoding="utf-8")
        house.cli("load", file)
        house.step_to(watch.due("week-3"), down=True)

    watch.causes(deed, "LimitsTight")
    file.write_text(text, encoding="utf-8")
    house.cli("load", file)


def proved_absent_and_there_after_all(watch: Watch) -> None:
    """The provider takes a text, breaks off, leaves it out of its list; sent again, both are there."""
    house = watch.house
    everything = {"list_lag_ms": 3_600_000, "callbacks": {"delay_ms": 9000}}

    def deed() -> None:
        house.sandbox.faults(api=[{"kind": "drop"}], **everything)
        house.step_to(watch.due("expectations"), down=True)

    watch.causes(deed, "SentTwice")
    house.sandbox.clear_faults()


def a_stop_that_we_never_heard(watch: Watch) -> None:
    """The provider obeys a STOP; its webhook is lost, and its list lags."""
    house, bob = watch.house, watch.people["bob"]

    def deed() -> None:
        house.sandbox.faults(optout="default", inbound={"lose": 1}, list_lag_ms=3_600_000)
        house.sandbox.reply(bob.phone, "STOP", to=LAKESIDE)
        house.step_to(watch.due("day-14"), down=True)

    watch.causes(deed, "LedgerDrift")
    house.sandbox.clear_faults()


def _recovers(watch: Watch) -> None:
    """Hours pass until what was put off has gone."""
    house = watch.house
    for _ in range(6):
        house.step_to(house.now() + timedelta(hours=1), down=True)
        with suppress(AssertionError):
            until(lambda: not house.cli("status", "--json").data["channels"]["sms"]["due_now"], seconds=10, every=0.5)
            return


def _answers(watch: Watch) -> None:
    from worker.sandbox.house import answers

    until(lambda: answers(f"{watch.house.house.plan.phones_url}/sandbox/quiet"))
