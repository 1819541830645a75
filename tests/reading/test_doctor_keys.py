"""A database that was put back under the wrong keys is found before anything is sent or looked up (rules 61, 145)."""

from __future__ import annotations

import pytest

from tests.builders import alice
from worker import sealed
from worker.management.cli import main
from worker.models import Contact, Sender
from worker.reading.doctor import findings


def worst(found):
    """The findings by what they are about; of several, the worst."""
    return {each.what: each for each in sorted(found, key=lambda each: not each.ok)}


@pytest.fixture
def wrong(house, keys):
    """Alice is enrolled under the key f; the process has another one now."""
    before = sealed.seal("x", "x")[:4].hex()
    alice()
    keys(field="w")
    return before


def test_the_wrong_field_keys_close_the_gate(wrong, capsys):
    """P12, P9: which key is missing and what to do; never what lies under it."""
    assert main(["doctor", "--no-network"]) == 1
    said = capsys.readouterr().out
    (line,) = [each for each in said.splitlines() if "MEND  FIELD_KEYS" in each]
    assert wrong in line
    assert "contact.address_sealed" in line
    assert "put the key back" in said
    for secret in ("Alice", "5550123", "alice@"):
        assert secret not in said


def test_the_key_at_the_end_of_the_list_is_at_hand(wrong, keys):
    """Rule 61: a rotation that is under way is well."""
    keys(field="wf")
    assert worst(findings(network=False))["FIELD_KEYS"].ok


def test_a_key_that_only_the_oldest_row_needs_is_missed(house, keys):
    """Both ends are looked at: what was sealed first, and what was sealed last."""
    alice()
    keys(field="wf")
    for each in Contact.objects.order_by("pk")[1:]:
        Contact.objects.filter(pk=each.pk).update(address_sealed=sealed.seal("x", "contact.address"))
    keys(field="w")
    assert not worst(findings(network=False))["FIELD_KEYS"].ok
    Contact.objects.all().update(address_sealed=None)


def test_a_senders_token_is_looked_at(house, keys):
    """Without it no text leaves, in a clinic that nobody is enrolled in yet."""
    own = sealed.seal_json(["a-token"], "sender.credentials")
    Sender.objects.filter(clinic=house.lakeside, channel="sms").update(credentials_sealed=own)
    assert worst(findings(network=False))["FIELD_KEYS"].ok
    keys(field="w")
    found = worst(findings(network=False))["FIELD_KEYS"]
    assert (found.ok, "sender.credentials_sealed" in found.says) == (False, True)


def test_a_value_that_was_altered_is_no_missing_key(house):
    """The key is at hand and does not open it: another fault, with another mend."""
    alice()
    first = Contact.objects.order_by("pk").first()
    spoiled = bytes(first.address_sealed)[:-1] + bytes([bytes(first.address_sealed)[-1] ^ 1])
    Contact.objects.filter(pk=first.pk).update(address_sealed=spoiled)
    found = worst(findings(network=False))
    assert found["FIELD_KEYS"].ok
    assert (found["sealed values"].ok, "contact.address_sealed" in found["sealed values"].says) == (False, True)


def test_a_fingerprint_key_that_is_missing_is_named(house, keys):
    """Rule 62: by its id, as rows store it."""
    alice()
    before = sealed.fingerprint(1, "sms", "x").key_id
    keys(prints="w")
    found = worst(findings(network=False))["FINGERPRINT_KEYS"]
    assert (found.ok, before in found.says) == (False, True)
