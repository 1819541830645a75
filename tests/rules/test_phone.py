"""Phone numbers in, E.164 out, masks for operators (rules 47, 67, 75, 129, 130, 131)."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.rules.phone import is_fiction, masked, parse_phone, zones_of
from worker.rules.refusal import Refusal

ALL = ("US", "GB", "AU", "IT")


def parsed(raw, region="US", *, allow_fiction=False, countries=ALL):
    return parse_phone(raw, region, allow_fiction=allow_fiction, countries=countries)


@pytest.mark.parametrize(
    ("raw", "region", "e164"),
    [
        ("(415) 555-2671", "US", "+14155552671"),
        ("07911 123456", "GB", "+447911123456"),
        ("0412 345 678", "AU", "+61412345678"),
        ("٤١٥ ٥٥٥ ٢٦٧١", "US", "+14155552671"),
        ("۴۱۵ ۵۵۵ ۲۶۷۱", "US", "+14155552671"),
        ("＋１４１５５５５２６７１", "US", "+14155552671"),
        ("+1 (415) 555‑2671", "US", "+14155552671"),
        ("\u202a+1 415-555-2671\u202c", "GB", "+14155552671"),
        ("+1.415.555.2671", "AU", "+14155552671"),
        ("(+44) 7911 123456", "US", "+447911123456"),
        ("011 44 7911 123456", "US", "+447911123456"),
        ("+39 06 1234 5678", "IT", "+390612345678"),
    ],
)
def test_a_number_is_stored_as_dialled_with_what_was_written(raw, region, e164):
    """Rule 129: E.164, the raw input and the region it was read by."""
    phone = parsed(raw, region)
    assert (phone.e164, phone.region_hint, phone.raw) == (e164, region, raw)


@pytest.mark.parametrize(
    "raw", ["415 555 2671 x12", "415 555 2671 ext. 12", "415-555-2671,,12", "(415) 555-2671 #9", "4155552671;ext=12"]
)
def test_an_extension_is_refused(raw):
    """Rule 129: a text cannot dial an extension."""
    with pytest.raises(Refusal, match="extension"):
        parsed(raw)


@pytest.mark.parametrize("raw", ["5552671", "911", "12345", "415 555 267", "+1415555267112345", "07911 12345678"])
def test_what_is_not_possible_is_refused(raw):
    """Rules 129, 130: local-only, short codes, too long."""
    with pytest.raises(Refusal, match=r"digits|no phone number"):
        parsed(raw)


@pytest.mark.parametrize(
    "raw", ["", " ", "+", "none", "1-800-FLOWERS", "tel:+14155552671", "++14155552671", "415\x00555\n2671"]
)
@pytest.mark.parametrize("more", ["", "{{7*7}}", "1" * 200])
def test_what_is_no_number_is_refused_with_field_and_mend(raw, more):
    """Every input is hostile: the refusal names the field and the mend and never repeats the number (P9)."""
    with pytest.raises(Refusal) as refused:
        parse_phone(raw + more, "US", allow_fiction=True, field="client.phone")
    assert refused.value.field == "client.phone"
    assert refused.value.mend
    assert "2671" not in str(refused.value)


def test_two_numbers_in_one_field_are_refused():
    """Rule 129: never choose which one was meant."""
    with pytest.raises(Refusal):
        parsed("415 555 2671 / 415 555 2672")


@pytest.mark.parametrize(
    ("raw", "region"),
    [
        ("+1 800 555 1234", "US"),
        ("888 555 1234", "US"),
        ("900 555 1234", "US"),
        ("1-800-555-0199", "US"),
        ("0909 879 0000", "GB"),
        ("0800 1111 111", "GB"),
        ("070 1234 5678", "GB"),
        ("+44 3069 990000", "GB"),
    ],
)
@pytest.mark.parametrize("allow_fiction", [True, False])
def test_toll_free_premium_personal_and_company_numbers_are_refused(raw, region, allow_fiction):
    """Rule 130: no client answers there, and some cost by the text."""
    with pytest.raises(Refusal, match="service number"):
        parsed(raw, region, allow_fiction=allow_fiction)


@pytest.mark.parametrize("e164", ["+13125550100", "+13125550199", "+441632960961", "+447700900123"])
def test_fiction_passes_only_where_it_is_allowed(e164):
    """Rule 131: production refuses the ranges that tests and demonstrations live on."""
    assert parsed(e164, allow_fiction=True).e164 == e164
    assert is_fiction(e164)
    with pytest.raises(Refusal, match="fiction"):
        parsed(e164)


@pytest.mark.parametrize(
    "e164", ["+13125550099", "+13125550200", "+18005550100", "+19005550100", "+447700901123", "+4416329609610"]
)
def test_the_neighbours_of_fiction_are_not_fiction(e164):
    """Rule 131: the ranges end where they end."""
    assert not is_fiction(e164)


def test_doubt_is_a_warning_and_no_refusal():
    """Rules 129, 130: metadata ages, so an invalid number warns; a landline may still take texts."""
    assert parsed("+1 415 155 2671").warnings == ("may not exist: check it with the client",)
    assert parsed("020 7946 0018", "GB").warnings == ("looks like a landline: texts may not arrive",)
    assert parsed("415 555 2671").warnings == ()


@pytest.mark.parametrize(
    ("raw", "countries", "allowed"),
    [
        ("+1 415 555 2671", ("US",), True),
        ("+1 876 555 2671", ("US",), False),
        ("+1 876 555 2671", ("JM",), True),
        ("+1 416 555 2671", ("US",), False),
        ("+44 7911 123456", ("GB",), True),
        ("+44 7911 123456", ("US",), False),
        ("+1 415 155 2671", ("US",), True),
        ("+1 415 155 2671", ("GB",), False),
        ("+1 415 555 2671", (), False),
    ],
)
def test_only_the_clinics_countries_are_texted(raw, countries, allowed):
    """Rules 75, 130: an island that shares a plan at home price passes (+44 7911 is Guernsey), Jamaica does not."""
    if allowed:
        assert parsed(raw, countries=countries).raw == raw
    else:
        with pytest.raises(Refusal, match="country"):
            parsed(raw, countries=countries)


@pytest.mark.parametrize("countries", [None, ALL])
@pytest.mark.parametrize("raw", ["+882 1612345678", "+870 773 111 632", "+800 1234 5678"])
def test_numbers_of_no_country_are_refused(raw, countries):
    """Rule 75: satellite and international networks are fraud's favourites."""
    with pytest.raises(Refusal, match="no country"):
        parsed(raw, countries=countries)


@pytest.mark.parametrize("region", ["XX", "", "us", "001", "UK"])
def test_an_unknown_region_is_refused(region):
    """Rule 129: the region is explicit and real, never guessed."""
    with pytest.raises(Refusal) as refused:
        parsed("07911 123456", region)
    assert refused.value.field == "region"


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="+0123456789 ()-.x/٤\u200f\u0000", max_size=24), st.sampled_from(ALL))
def test_any_text_is_a_full_number_or_a_refusal(raw, region):
    """What comes out is E.164 and reads as itself; nothing else can happen."""
    try:
        phone = parsed(raw, region, allow_fiction=True)
    except Refusal:
        return
    assert phone.e164[1:].isdigit()
    assert len(phone.e164) <= 16
    assert parsed(phone.e164, region, allow_fiction=True).e164 == phone.e164


def test_a_number_gives_every_zone_it_could_be_in():
    """Rule 47: one zone, many zones, or none at all."""
    assert zones_of("+14155552671") == ("America/Los_Angeles",)
    assert len(zones_of("+18005551234")) > 10
    assert zones_of("+80012345678") == ()
    with pytest.raises(ValueError, match=r"E\.164"):
        zones_of("4155552671")


@pytest.mark.parametrize(
    ("e164", "shown"),
    [
        ("+14155552671", "+1•••••2671"),
        ("+447911123456", "+44•••••3456"),
        ("+35312345678", "+353•••••5678"),
        ("+79161234567", "+7•••••4567"),
        ("+2971234567", "+297•••••567"),
        ("+1234", "+1•••••4"),
        ("+1", "+1•••••"),
        ("+", "•••••"),
        ("", "•••••"),
        ("4155552671", "•••••"),
        ("alice@example.com", "•••••"),
    ],
)
def test_operators_see_a_mask(e164, shown):
    """Rule 67: country code and last digits."""
    assert masked(e164) == shown


@given(st.from_regex(r"\+[1-9]\d{4,14}", fullmatch=True))
def test_a_mask_hides_at_least_as_much_as_it_shows(e164):
    """P9: no mask gives a number away."""
    code, _, tail = masked(e164).partition("•••••")
    assert e164.startswith(code)
    assert e164.endswith(tail)
    assert len(e164) - len(code) - len(tail) >= len(tail)


def test_importing_the_module_leaves_the_metadata_unloaded():
    """Workers mask numbers and must not pay 119 MB for it."""
    program = "import sys, worker.rules.phone as p; p.masked('+14155552671'); sys.exit('phonenumbers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
