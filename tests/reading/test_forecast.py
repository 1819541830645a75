"""What the coming days bring: by clinic, hour and channel, with parts and cost (P5)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests import builders
from tests.builders import NOW
from worker.models import Message
from worker.reading.forecast import forecast
from worker.rules.local_time import local, zone
from worker.rules.refusal import Refusals

NEW_YORK = zone("America/New_York")


def test_it_counts_what_is_planned_in_the_hour_of_the_clinics_wall(house):
    """Every planned message of the span once, none beyond it, none of a clinic that was not asked for."""
    alice = builders.alice().client
    builders.bob()
    said = forecast(now=NOW, days=7, clinic_slug="lakeside")
    planned = Message.objects.filter(client=alice, state="planned", due_at__lt=NOW + timedelta(days=7))

    assert {row["clinic"] for row in said["hours"]} == {"lakeside"}
    assert (
        sum(row["messages"] for row in said["hours"])
        == planned.count()
        == sum(total["messages"] for total in said["totals"])
    )
    texts = planned.filter(channel="sms").values_list("due_at", flat=True)
    hours = {f"{local(due_at, NEW_YORK):%Y-%m-%dT%H}" for due_at in texts}
    assert hours == {row["hour"][:13] for row in said["hours"] if row["channel"] == "sms"}


def test_what_is_overdue_counts_into_this_hour(house):
    """After an outage the forecast begins with what waits, not with yesterday."""
    builders.alice()
    later = NOW + timedelta(days=2)

    assert min(row["hour"] for row in forecast(now=later, days=7)["hours"]) == "2027-01-14T10:00-05:00"


def test_parts_are_what_the_longest_names_cost_and_mail_has_none(house):
    """Rule 105: at least one part a text, two at most; a mail has none and no price."""
    builders.alice()
    rows = forecast(now=NOW, days=40)["hours"]

    assert all(row["messages"] <= row["segments"] <= 2 * row["messages"] for row in rows if row["channel"] == "sms")
    assert {row["segments"] for row in rows if row["channel"] == "email"} == {0}
    assert {row["cost"] for row in rows} == {None}


def test_cost_is_shown_where_a_price_is_set(house, settings):
    """Parts times price, to the cent."""
    builders.alice()
    settings.SMS_PRICE = (Decimal("0.0083"), "USD")
    said = forecast(now=NOW, days=40)
    total = next(each for each in said["totals"] if (each["clinic"], each["channel"]) == ("lakeside", "sms"))

    assert said["currency"] == "USD"
    assert total["cost"] == str((Decimal("0.0083") * total["segments"]).quantize(Decimal("0.01")))


@pytest.mark.parametrize(("days", "clinic", "field"), [(0, "", "days"), (93, "", "days"), (7, "elsewhere", "clinic")])
def test_what_cannot_be_asked_is_refused_with_its_mend(house, days, clinic, field):
    """P12: a span or a clinic that is none of ours."""
    with pytest.raises(Refusals) as refused:
        forecast(now=NOW, days=days, clinic_slug=clinic)

    assert [fault.field for fault in refused.value.faults] == [field]
