"""What the webhooks remember of senders never lets anybody speak who may not, nor keeps anybody out (P10, rule 95)."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.builders import ALICES_PHONE, BOBS_PHONE
from tests.web.provider import HILLSIDE, LAKESIDE, Provider
from worker import clock, sealed
from worker.models import Inbound, Sender
from worker.web import accounts

OWN_ACCOUNT = "AC" + "5" * 32


@pytest.fixture
def later(monkeypatch):
    """Let the machine's clock run on by so many seconds."""
    ahead = [0.0]
    true = clock.running
    monkeypatch.setattr(clock, "running", lambda: true() + ahead[0])

    def wait(seconds: float) -> None:
        ahead[0] += seconds

    return wait


def hillside(house) -> object:
    """The sender of Bob's clinic, as the database has it."""
    return Sender.objects.filter(clinic=house.hillside, channel="sms")


def own(house, *tokens: str) -> Provider:
    """Give Hillside an account of its own with these tokens, and speak as it under the first."""
    stored = sealed.seal_json(list(tokens), "sender.credentials")
    hillside(house).update(account_sid=OWN_ACCOUNT, credentials_sealed=stored)
    return Provider(Client(enforce_csrf_checks=True), account_sid=OWN_ACCOUNT, token=tokens[0])


def heard(provider: Provider, **text: str) -> int:
    return int(provider.text(BOBS_PHONE, "hello", **{"to": HILLSIDE} | text).status_code)


def test_a_token_that_was_taken_out_signs_for_two_seconds_at_most(house, later):
    """Rule 95: the first look-up after that refuses it."""
    leaked = own(house, "l" * 32)
    assert heard(leaked) == 200
    own(house, "n" * 32)
    later(accounts.FRESH + 0.01)
    assert heard(leaked) == 403


def test_a_token_that_was_just_added_counts_at_once(house):
    """Rule 95: a signature is not refused by what is remembered, or the first STOP after a rotation would wait."""
    assert heard(own(house, "o" * 32)) == 200
    fresh = own(house, "n" * 32)
    assert heard(fresh) == 200


def test_a_number_that_was_just_added_counts_at_once(house, provider):
    """Rule 100: that nobody has a number is never remembered."""
    added = "+12125550199"
    assert heard(provider, to=added) == 404
    known = hillside(house).get()
    Sender.objects.create(clinic=known.clinic, channel="sms", identity=added)
    assert heard(provider, to=added) == 200


def test_an_account_that_was_just_added_counts_at_once(house):
    """Rule 100: that nobody has an account is never remembered either."""
    stranger = Provider(Client(), account_sid=OWN_ACCOUNT, token="n" * 32)
    assert heard(stranger) == 403
    assert heard(own(house, "n" * 32)) == 200


def test_a_number_that_moved_to_another_account_is_no_longer_the_old_ones(house, provider, later):
    """Rule 100: after two seconds at most; meanwhile only who owned it until then is heard, and nobody else."""
    assert heard(provider) == 200
    taken = own(house, "n" * 32)
    later(accounts.FRESH + 0.01)
    assert heard(provider) == 404
    assert heard(taken) == 200


def test_each_number_keeps_its_own_clinic(house, provider):
    """P10: what is remembered of one number is never said of another, nor of a service of the same name."""
    assert heard(provider) == 200
    assert provider.text(ALICES_PHONE, "hello", to=LAKESIDE).status_code == 200
    assert heard(provider, to=BOBS_PHONE, MessagingServiceSid=HILLSIDE) == 200
    clinics = list(Inbound.objects.order_by("pk").values_list("clinic_id", flat=True))
    assert clinics == [house.hillside.pk, house.lakeside.pk, house.hillside.pk]


def test_what_is_remembered_has_an_end(house, monkeypatch):
    """Who signs for many accounts fills no memory: what was not found is not kept, and the rest is bounded."""
    monkeypatch.setattr(accounts, "MOST", 3)
    known = hillside(house).get()
    for number in range(8):
        Sender.objects.create(clinic=known.clinic, channel="sms", identity=f"+1212555020{number}")
        assert accounts.sender_of({"To": f"+1212555020{number}", "AccountSid": accounts.account_of(known)})
        accounts.tokens_of("AC" + f"{number}" * 32)
        assert len(accounts._known) <= 3
