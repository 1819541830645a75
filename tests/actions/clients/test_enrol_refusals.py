"""Whatever is wrong with an enrolment is named with its mend, and nothing at all is stored (P12)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.builders import BOBS_PHONE, NOW
from worker.actions.clients.enrol import enrol
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import revoke_address
from worker.actions.protocols.approve import the_protocol, withdraw
from worker.intake.client import ClientFile
from worker.intake.shape import LARGEST_FILE, checked, read_json
from worker.models.suppression import SuppressionReason
from worker.rules.names import Channel
from worker.rules.refusal import Refusal, Refusals


def _hand_in(raw):
    return enrol(checked(ClientFile, raw), now=NOW)


def _refused(raw):
    """The fields of every fault; every fault has words and a mend, and no table changed."""
    before = builders.counts()
    with pytest.raises(Refusals) as caught:
        _hand_in(raw)
    assert builders.counts() == before
    for fault in caught.value.faults:
        assert isinstance(fault, Refusal)
        assert fault.field
        assert fault.problem
        assert fault.mend
    return {fault.field for fault in caught.value.faults}


def _with(**fields):
    return builders.client_file(**fields)


def _first_consent(**fields):
    raw = builders.client_file()
    raw["consents"][0] |= fields
    return raw


def _without(*path):
    raw = builders.client_file()
    inner = raw
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return raw


def _treated(**fields):
    raw = builders.client_file()
    raw["treatment"] |= fields
    return raw


BAD = {
    "unknown field": (_with(nickname="Ali"), {"nickname"}),
    "unknown field in a consent": (_first_consent(note="x"), {"consents.0.note"}),
    "no consents": (_without("consents"), {"consents"}),
    "affirmed left out (rule 3)": (_without("consents", 0, "affirmed"), {"consents.0.affirmed"}),
    "affirmed in words (rule 3)": (_first_consent(affirmed="yes"), {"consents.0.affirmed"}),
    "affirmed as a number": (_first_consent(affirmed=1), {"consents.0.affirmed"}),
    "affirmed as null": (_first_consent(affirmed=None), {"consents.0.affirmed"}),
    "consent without its wording (rule 2)": (_without("consents", 0, "wording"), {"consents.0.wording"}),
    "consent without its moment (rule 2)": (_without("consents", 0, "given_at"), {"consents.0.given_at"}),
    "consent without its method (rule 2)": (_without("consents", 0, "method"), {"consents.0.method"}),
    "consent given tomorrow": (
        _first_consent(given_at=(NOW + timedelta(days=1)).isoformat()),
        {"consents.0.given_at"},
    ),
    "consent on a naive date": (_first_consent(given_at="2027-01-12T09:00:00"), {"consents.0.given_at"}),
    "consent on a number": (_first_consent(given_at=1_799_000_000), {"consents.0.given_at"}),
    "consent on a number in words": (_first_consent(given_at="1799000000"), {"consents.0.given_at"}),
    "consent before the calendar": (_first_consent(given_at="0001-01-01T00:00:00+14:00"), {"consents.0.given_at"}),
    "consent after the calendar": (_first_consent(given_at="9999-12-31T23:59:59-14:00"), {"consents.0.given_at"}),
    "a minor without a holder (rule 15)": (_with(minor=True), {"file"}),
    "a minor in words (rule 15)": (_with(minor="yes"), {"minor"}),
    "a minor by the client's own words (rule 15)": (
        _with(minor=True, holder={"name": "Ines Duval", "relationship": "mother"}),
        {f"consents.{index}.wording" for index in range(4)},
    ),
    "a holder without a name (rule 15)": (_with(holder={"relationship": "mother"}), {"holder.name"}),
    "a holder without a relationship (rule 15)": (_with(holder={"name": "Ines Duval"}), {"holder.relationship"}),
    "a holder who is the client (rule 15)": (
        _with(holder={"name": "alice moreau", "relationship": "mother"}), {"file"},
    ),
    "a holder who is herself (rule 15)": (
        _with(holder={"name": "Ines Duval", "relationship": "Self"}), {"holder.relationship"},
    ),
    "offers by the words about care (rule 13)": (_first_consent(purpose="marketing"), {"consents.0.wording"}),
    "care by the words about offers (rule 13)": (_first_consent(wording="marketing@1"), {"consents.0.wording"}),
    "offers by word of mouth (rule 13)": (
        _first_consent(purpose="marketing", wording="marketing@1", method="verbal"), {"consents.0.method"},
    ),
    "unknown wording": (_first_consent(wording="service@7"), {"consents.0.wording"}),
    "wording of endless version": (_first_consent(wording="service@" + "9" * 5000), {"consents.0.wording"}),
    "NUL in a consent's source": (_first_consent(source="a\0b"), {"consents.0.source"}),
    "bidi control in a consent's source": (_first_consent(source="a\u202eb"), {"consents.0.source"}),
    "twice the same consent": (_with(consents=[("sms", "aftercare")] * 2), {"file"}),
    "text consent without a phone": (_with(phone=None), {"file"}),
    "mail consent without a mailbox": (_with(email=None), {"file"}),
    "phone too short": (_with(phone="212 555"), {"phone"}),
    "phone with an extension (rule 129)": (_with(phone="(212) 555-0123 x12"), {"phone"}),
    "toll-free phone (rule 130)": (_with(phone="+1 800 234 5678"), {"phone"}),
    "phone of a country not allowed (rule 75)": (_with(phone="+44 7400 123456"), {"phone"}),
    "phone of no country (rule 75)": (_with(phone="+882 16 12345678"), {"phone"}),
    "two mailboxes (rule 121)": (_with(email="a@example.com, b@example.com"), {"email"}),
    "NUL in the mailbox (rule 121)": (_with(email="alice\0@example.com"), {"email"}),
    "line break in the mailbox (rule 121)": (_with(email="alice@example.com\r\nBcc: x@example.com"), {"email"}),
    "impossible date": (_treated(performed_at="2027-02-30T10:00:00-05:00"), {"treatment.performed_at"}),
    "naive date": (_treated(performed_at="2027-01-12T09:00:00"), {"treatment.performed_at"}),
    "date as a number": (_treated(performed_at=1_799_000_000), {"treatment.performed_at"}),
    "treatment tomorrow": (_with(treated=NOW + timedelta(days=1)), {"treatment.performed_at"}),
    "treatment long ago": (_with(treated=NOW - timedelta(days=121)), {"treatment.performed_at"}),
    "visit in the past": (_with(visit=NOW - timedelta(minutes=1)), {"appointment.starts_at"}),
    "visit in three years": (_with(visit=NOW + timedelta(days=1000)), {"appointment.starts_at"}),
    "visit without its protocol": (
        _with(treated=None, appointment={"external_id": "V-1", "starts_at": "2027-02-16T10:00:00-05:00"}), {"file"},
    ),
    "unknown zone": (_with(zone="America/Gotham"), {"zone"}),
    "an offset for a zone (rule 139)": (_with(zone="EST5EDT"), {"zone"}),
    "unknown protocol": (_treated(protocol="laser"), {"treatment.protocol"}),
    "unknown clinic": (_with(clinic="riverside"), {"clinic"}),
    "unknown staff": (_with(enrolled_by="nobody@lakeside.example"), {"enrolled_by"}),
    "staff of the other clinic (P10)": (_with(enrolled_by=builders.CHARLIE), {"enrolled_by"}),
    "NUL in staff": (_with(enrolled_by="sam\0@lakeside.example"), {"enrolled_by"}),
    "NUL in the practitioner": (_treated(practitioner="okafor\0@lakeside.example"), {"treatment.practitioner"}),
    "control character in the name (rule 108)": (_with(name="Ali\x07ce"), {"name"}),
    "bidi control in the name (rule 108)": (_with(name="Ali\u202ece"), {"name"}),
    "zero-width space in the name (rule 108)": (_with(name="Ali\u200bce"), {"name"}),
    "half a surrogate in the name": (_with(name="Ali\ud800"), {"name"}),
    "blank name": (_with(name="   "), {"name"}),
    "control character in the holder's name": (
        _with(holder={"name": "M\x07ia", "relationship": "mother"}), {"holder.name"},
    ),
    "line break in the relationship": (
        _with(holder={"name": "Mia", "relationship": "mother\nof"}), {"holder.relationship"},
    ),
    "NUL in the external id": (_with(external_id="A\0"), {"external_id"}),
    "a list for a name": (_with(name=["Alice"]), {"name"}),
    "language in words": (_with(language="english"), {"language"}),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_field_and_changes_nothing(house, case):
    """P12, rules 2, 3, 75, 108, 121, 129-131, 139: each fault names its field and its mend."""
    raw, fields = BAD[case]
    assert _refused(raw) == fields


def test_every_fault_is_named_at_once(house):
    """P12: a sender mends a file in one go."""
    raw = builders.client_file(phone="1", email="x", zone="Nowhere", name="A\x07")
    assert _refused(raw) == {"phone", "email", "zone", "name"}


def test_a_number_of_fiction_needs_the_sandbox(house, settings):
    """Rule 131: where something real could answer, nobody is enrolled under a number from the films."""
    settings.ALLOW_FICTION_NUMBERS = False
    assert _refused(builders.client_file()) == {"phone"}


def test_a_protocol_without_standing_approval_is_refused(house):
    """P3: nobody is enrolled into texts that the practitioner has taken back."""
    withdraw(protocol=the_protocol(builders.PROTOCOL, clinic_slug="lakeside"), by=builders.OKAFOR, now=NOW)
    assert _refused(builders.client_file()) == {"treatment.protocol"}


def test_a_protocol_past_its_review_is_refused(house):
    """P3: an approval ends with its review date."""
    before = builders.counts()
    late = NOW + timedelta(days=366)
    raw = builders.client_file(treated=late - timedelta(hours=1))
    with pytest.raises(Refusals, match="not approved"):
        enrol(checked(ClientFile, raw), now=late)
    assert builders.counts() == before


def test_the_same_file_again_changes_nothing_and_says_so(house):
    """P12: pressing twice enrols once."""
    first = builders.alice()
    before = builders.counts()
    again = builders.alice()
    assert again.repeated
    assert again.client == first.client
    assert builders.counts() == before


@pytest.mark.parametrize(
    "changed", [{"name": "Alice Roe"}, {"email": "other@example.com"}, {"zone": "America/Chicago"}]
)
def test_another_file_under_the_same_external_id_is_refused(house, changed):
    """P12: a contradiction is never taken for a repeat."""
    builders.alice()
    assert _refused(builders.client_file(**changed)) == {"external_id"}


def test_the_other_clinic_may_use_the_same_external_id(house):
    """P10: ids of one clinic mean nothing in another."""
    builders.alice()
    assert not builders.bob(external_id="A-1001").repeated


def test_a_visit_id_that_another_client_has_is_refused(house):
    """P12: a clash of visit ids is a refusal with a mend, not a crash."""
    visit = NOW + timedelta(days=35)
    builders.alice(visit=visit)
    raw = builders.client_file(external_id="A-1002", phone="+1 212-555-0124", email="ann@example.com", visit=visit)
    assert _refused(raw) == {"appointment.external_id"}


def test_two_protocols_in_one_file_are_refused(house):
    """P12: what the file says of the visit is never dropped without a word."""
    raw = builders.client_file(visit=NOW + timedelta(days=35))
    raw["appointment"]["protocol"] = "laser"
    assert _refused(raw) == {"appointment.protocol"}


@pytest.mark.parametrize(("country", "zone"), [("DE", "Europe/Berlin"), ("GB", "Europe/London"), ("NO", "Europe/Oslo")])
def test_a_european_clinic_must_say_why_it_keeps_health_data(house, country, zone):
    """Rule 4: in the EU, the EEA and the UK no enrolment without a basis under Art. 9."""
    builders.load_clinic(builders.clinic_file(country=country, state="", allowed_countries=["US"], zone=zone))
    phone = builders.ALICES_PHONE
    assert _refused(builders.client_file(phone=phone, health_data_basis="none")) == {"health_data_basis"}
    assert _refused(builders.client_file(phone=phone, health_data_basis=None)) == {"health_data_basis"}


@pytest.mark.parametrize("channel", ["sms", "email"])
def test_an_address_that_said_stop_is_not_enrolled_again(house, channel):
    """Rules 34 and 62: STOP from an address nobody knew binds the enrolment that comes later."""
    address = builders.ALICES_PHONE if channel == "sms" else "alice@example.com"
    said = Revocation(reason=SuppressionReason.KEYWORD, method="sms", by="client", received_at=NOW)
    revoke_address(clinic_id=house.lakeside.pk, channel=Channel(channel), address=address, said=said, now=NOW)
    assert _refused(builders.client_file()) == {"phone" if channel == "sms" else "email"}


def test_a_stop_at_one_clinic_binds_no_other(house):
    """P2, rule 14: the block of one clinic is not another's."""
    builders.text_from(house.hillside, builders.ALICES_PHONE, "STOP")
    assert builders.alice().result.messages


def test_a_stop_of_the_mailbox_is_found_under_capitals(house):
    """Rule 34: a suppression is not dodged by a capital letter."""
    said = Revocation(reason=SuppressionReason.DESK, method="desk", by="staff", received_at=NOW)
    revoke_address(clinic_id=house.lakeside.pk, channel=Channel.EMAIL, address="alice@example.com", said=said, now=NOW)
    assert _refused(builders.client_file(email="Alice@Example.COM")) == {"email"}


FILES = {
    "absent": None,
    "empty": b"",
    "oversize": b'{"a": "' + b"x" * LARGEST_FILE + b'"}',
    "broken": b'{"clinic": ',
    "not UTF-8": b'{"name": "\xff"}',
    "nested too deep": b"[" * 100_000,
    "a key twice": b'{"clinic": "lakeside", "clinic": "hillside"}',
    "an inner key twice": b'{"a": [{"b": 1, "b": 2}]}',
    "a number of ten thousand digits": b'{"a": ' + b"9" * 10_000 + b"}",
    "NaN": b'{"a": NaN}',
}


@pytest.mark.parametrize("case", FILES)
def test_an_unreadable_file_is_refused_by_its_name(tmp_path, case):
    """P12: whatever the bytes are, the answer is one line with a mend, never a traceback."""
    path = tmp_path / "client.json"
    if FILES[case] is not None:
        path.write_bytes(FILES[case])
    with pytest.raises(Refusals) as caught:
        checked(ClientFile, read_json(path))
    if case != "NaN":
        assert [fault.field for fault in caught.value.faults] == ["client.json"]
    assert all(fault.mend for fault in caught.value.faults)


@pytest.mark.parametrize("data", [None, [], "text", 7, {}], ids=repr)
def test_json_that_is_no_enrolment_is_refused(data):
    """P12: valid JSON of another shape."""
    with pytest.raises(Refusals):
        checked(ClientFile, data)


def test_no_refusal_repeats_what_was_written(house):
    """P9: a refusal may be logged or shown to another person."""
    raw = _with(phone="212 555 8889 99 1", email="zzcanaryzz @example.com", name="Zzcanaryzz\x07", zone="Zzcanaryzz")
    raw["enrolled_by"] = "zzcanaryzz@lakeside.example"
    with pytest.raises(Refusals) as caught:
        _hand_in(raw)
    assert "zzcanaryzz" not in str(caught.value).lower()
    assert "8889" not in str(caught.value)
    assert BOBS_PHONE not in str(caught.value)
