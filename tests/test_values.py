"""What a text may name is made in one place, plain where each letter is paid for, and left out where unknown."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.models import Clinic
from worker.rules.names import Channel
from worker.rules.text import Encoding, segments
from worker.values import FIRST_NAME, template_values

AT = datetime(2027, 3, 2, 1, 30, tzinfo=UTC)  # still Monday evening in New York
CALLED = {"en": ("Monday 1 March", "8:30 pm"), "es": ("lunes 1 de marzo", "8:30 pm")}


def values(channel=Channel.SMS, *, clinic="Lakeside Skin Clinic", name="Alice Moreau", language="en", **more):
    return template_values(
        channel=channel,
        language=language,
        zone=ZoneInfo("America/New_York"),
        clinic=Clinic(name=clinic, phone="+1 212-555-0100", postal_address="12 Harbor Street", country="US"),
        name=name,
        messages_promised=12,
        interval_days=(28, 42),
        **more,
    )


def test_what_is_unknown_is_left_out():
    """A text that needs a visit, a treatment or a link is not sent half: the name is missing, not empty."""
    assert set(values()) == {"first_name", "clinic_name", "clinic_phone", "clinic_address", "messages_promised"}
    assert "care_url" not in values(care_url=None, unsubscribe_url="")


@pytest.mark.parametrize("language", CALLED)
def test_days_are_the_clients_own(language):
    """Session and interval in her zone and language, counted in dates over the change of clocks (rule 136)."""
    made = values(language=language, session_at=AT, treated_at=AT)
    assert (made["session_date"], made["session_time"]) == CALLED[language]
    assert made["earliest_date"] in {"Monday 29 March", "lunes 29 de marzo"}
    assert made["latest_date"] in {"Monday 12 April", "lunes 12 de abril"}


def test_an_sms_is_written_plain_and_a_mail_as_it_is():
    """A typeset quote or a rare letter in the clinic's name would triple the price of every text (rules 104, 105)."""
    name = "L’Étoile – Peau de Zoë"
    assert segments(values(clinic=name)["clinic_name"]).encoding is Encoding.GSM7
    assert values(Channel.EMAIL, clinic=name)["clinic_name"] == name
    assert values(Channel.EMAIL, name="Zoë Ng")["first_name"] == "Zoë"


@pytest.mark.parametrize("brand", ["皮肤诊所", "Клиника", "★"])
def test_a_brand_is_never_lost_for_its_price(brand):
    """A name that GSM-7 cannot write stays whole: no text goes without its brand (rule 36)."""
    assert values(clinic=brand)["clinic_name"] == brand


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.sampled_from(Channel))
def test_a_first_name_never_costs_more_than_its_share(name, channel):
    """Whatever was typed, the greeting keeps within its units, and in an SMS within GSM-7 (rule 105)."""
    first = values(channel, name=name)["first_name"]
    assert segments(first).units <= FIRST_NAME
    if channel is Channel.SMS:
        assert segments(first).encoding is Encoding.GSM7
