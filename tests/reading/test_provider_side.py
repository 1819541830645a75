"""The doctor asks the provider, a real process over HTTP: is the sender ours, and does it call us (P12, rule 91)."""

from __future__ import annotations

import pytest

from tests.sandbox import setting
from worker.models import Sender
from worker.reading.provider_side import senders

NUMBER = "+12125550155"


@pytest.fixture(scope="module")
def _provider(tmp_path_factory):
    receiver = setting.open_receiver()
    running = setting.start(tmp_path_factory.mktemp("outside"), receiver)
    yield running
    running.stop()
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def asked(_provider, house, settings):
    """Ask after Lakeside's sender alone; the provider calls the address that its receiver has."""
    settings.SMS_CHANNEL, settings.TWILIO_API_URL = "twilio", _provider.url
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = setting.ACCOUNT, setting.TOKEN
    settings.PUBLIC_URL = _provider.receiver.url
    Sender.objects.exclude(clinic=house.lakeside).update(is_active=False)

    def ask(identity):
        Sender.objects.filter(clinic=house.lakeside, channel="sms").update(identity=identity)
        (found,) = senders()
        return found

    return ask


@pytest.mark.parametrize("identity", [NUMBER, "MG" + "c" * 32])
def test_a_sender_that_calls_us_is_well(asked, identity):
    """A number and a messaging service, each by its own resource, through the real client over our transport."""
    found = asked(identity)
    assert found.ok, found
    assert "posted to our web part" in found.says


@pytest.mark.parametrize("identity", [NUMBER, "MG" + "c" * 32])
def test_a_sender_that_calls_somebody_else_is_found(asked, settings, identity):
    """The STOP of a client would go elsewhere: the mend names the very address to set."""
    settings.PUBLIC_URL = "https://care.example"
    found = asked(identity)
    assert not found.ok
    assert "https://care.example/hooks/twilio/inbound" in found.mend


@pytest.mark.parametrize("identity", ["+442079460123", "MG" + "x" * 32])
def test_a_sender_that_is_not_in_the_account_is_found(asked, identity):
    """Each text of it would be refused (21606), and no STOP would ever come."""
    found = asked(identity)
    assert (found.ok, found.says) == (False, "is not in this account")
    assert "[[sender]]" in found.mend


def test_a_login_that_is_refused_and_a_provider_that_is_away_are_told_apart(asked, settings):
    """P12: another mend for each; neither stops the doctor."""
    settings.TWILIO_AUTH_TOKEN = "renewed-since"
    assert "correct TWILIO_ACCOUNT_SID, and renew TWILIO_AUTH_TOKEN" in asked(NUMBER).mend
    settings.TWILIO_API_URL = "http://127.0.0.1:9"
    assert "TWILIO_API_URL" in asked(NUMBER).mend


def test_in_the_sandbox_nobody_is_asked(asked, settings):
    """Nothing leaves this machine, so nothing has to come back."""
    settings.SMS_CHANNEL = "sandbox"
    assert list(senders()) == []
