"""What a provider holds is really deleted there: asked for, tried again, seen, and never waited for (rules 57, 63)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.builders import ALICES_PHONE, OKAFOR, SAM
from worker import clock
from worker.actions.privacy.copies import MOST_TRIES, clear_copies
from worker.actions.privacy.erase import erase
from worker.actions.privacy.redact import ask_to_redact
from worker.actions.receive.reply import Reply
from worker.actions.receive.sms import inbound_sms
from worker.actions.send.shift import shift
from worker.actions.send.tend import tend
from worker.channels import sms
from worker.management.cli import main
from worker.models import Attempt, Inbound, ProviderCopy, StaffTask
from worker.reading.status import status
from worker.rules.names import Channel

LAKESIDE = "+12125550100"
HOUR = timedelta(hours=1)


@pytest.fixture
def alice(house, provider):
    """Alice: one text at the provider that went out to her, one that came in."""
    client = builders.alice(now=clock.now(), treated=clock.now() - HOUR, consents=builders.SERVICE[:2]).client
    tend()
    shift(channel=Channel.SMS, carrier=sms.make(), slots=2)
    provider.wait_quiet()
    provider.faults(inbound={"lose": 1})
    sid = provider.reply(ALICES_PHONE, "thanks", to=LAKESIDE)["sid"]
    reply = Reply(
        clinic_id=house.lakeside.pk, provider_id=sid, address=ALICES_PHONE, body="thanks", opt_out_type="",
        provider_answers=False,
    )  # fmt: skip
    inbound_sms(reply, now=clock.now())
    return client


def _deleted(provider):
    return [entry for entry in provider.log("delete") if entry["answer"]["status"] == 204]


def _erased(client):
    return erase(client_id=client.pk, by=OKAFOR, now=clock.now())


def test_after_an_erasure_the_copies_are_deleted_there(alice, provider):
    """GDPR 19: pending in the manifest, deleted by the worker, done in the next manifest; each exactly once."""
    before = len(_deleted(provider))
    ids = {Attempt.objects.get().provider_id, Inbound.objects.get().provider_id}
    manifest = _erased(alice)
    assert {copy.id: copy.state for copy in manifest.at_the_provider} == dict.fromkeys(ids, "pending")
    assert status(now=clock.now())["copies"] == {"pending": 2, "failed": 0}
    assert clear_copies(now=clock.now()) == {"done": 2, "waiting": 0, "failed": 0}
    assert len(_deleted(provider)) == before + 2
    assert clear_copies(now=clock.now())["done"] == 0
    again = _erased(alice)
    assert {copy.state for copy in again.at_the_provider} == {"done"}
    assert any(line.strip().startswith("done ") for line in again.lines())
    assert len(_deleted(provider)) == before + 2


def test_erasing_never_waits_for_the_provider(alice, provider):
    """With the provider down the erasure is done at once; its calls are tried again, later each time."""
    provider.faults(outage=True)
    _erased(alice)
    tries = []
    for _ in range(4):
        now = clock.now()
        assert clear_copies(now=now)["waiting"] == 2
        assert clear_copies(now=now) == {"done": 0, "waiting": 0, "failed": 0}, "not before its time"
        each = ProviderCopy.objects.order_by("pk").first()
        tries.append(each.next_at - now)
        clock.step_to(each.next_at)
    assert tries == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8)]
    provider.clear_faults()
    assert clear_copies(now=clock.now())["done"] == 2


def test_a_text_under_way_is_deleted_once_it_has_arrived(alice, provider):
    """Twilio deletes only after the final status: 409 means later, not never."""
    provider.faults(hold=True)
    clock.step_to(builders.message(alice, "same-day").due_at)
    tend()
    shift(channel=Channel.SMS, carrier=sms.make(), slots=2)
    assert Attempt.objects.count() == 2
    _erased(alice)
    assert clear_copies(now=clock.now()) == {"done": 2, "waiting": 1, "failed": 0}
    assert ProviderCopy.objects.get(state="pending").code == "20009"
    provider.clear_faults()
    provider.wait_quiet()
    clock.step_to(clock.now() + timedelta(minutes=2))
    assert clear_copies(now=clock.now())["done"] == 1


def test_what_is_gone_is_deleted(alice, provider):
    """404: somebody was faster, or it was another account's; there is nothing left to ask for."""
    Attempt.objects.update(provider_id="SM" + "0" * 32)
    _erased(alice)
    assert clear_copies(now=clock.now()) == {"done": 3, "waiting": 0, "failed": 0}


def test_what_never_works_is_given_up_in_sight(alice, provider, settings, capsys):
    """After days of refusals: failed in status and manifest, before staff; asked again, it is tried again."""
    _erased(alice)
    token, settings.TWILIO_AUTH_TOKEN = settings.TWILIO_AUTH_TOKEN, "wrong"
    for _ in range(MOST_TRIES):
        clock.step_to(clock.now() + timedelta(hours=7))
        clear_copies(now=clock.now())
    assert status(now=clock.now())["copies"] == {"pending": 0, "failed": 2}
    assert StaffTask.objects.filter(kind="copy_not_deleted").count() == 2
    assert main(["status"]) == 0
    assert "2 given up" in capsys.readouterr().out
    settings.TWILIO_AUTH_TOKEN = token
    assert {copy.state for copy in _erased(alice).at_the_provider} == {"pending"}
    assert clear_copies(now=clock.now())["done"] == 2


def test_two_workers_share_the_work(alice, provider):
    """A doubled beat: whoever claimed a copy calls, the other leaves it alone."""
    _erased(alice)
    ProviderCopy.objects.update(next_at=clock.now() + timedelta(minutes=5))  # another is at it
    assert clear_copies(now=clock.now()) == {"done": 0, "waiting": 0, "failed": 0}


def test_nothing_is_redacted_unless_the_clinic_asked(alice, provider):
    """Rule 57: off by default."""
    assert ask_to_redact(days=0, now=clock.now() + timedelta(days=900)) == 0
    assert not ProviderCopy.objects.exists()


def test_after_so_many_days_the_texts_are_emptied_there(alice, provider):
    """Rule 57: out and in, once each, never earlier; the message itself and its status stay."""
    assert ask_to_redact(days=30, now=clock.now() + timedelta(days=29)) == 0
    later = clock.now() + timedelta(days=31)
    assert ask_to_redact(days=30, now=later) == 2
    before = len([entry for entry in provider.log("update") if entry["answer"]["status"] == 200])
    assert clear_copies(now=later)["done"] == 2
    assert len([entry for entry in provider.log("update") if entry["answer"]["status"] == 200]) == before + 2
    ask_to_redact(days=30, now=later)
    assert clear_copies(now=later)["done"] == 0
    assert ProviderCopy.objects.count() == 2


def test_no_number_in_what_is_kept_or_logged(alice, provider, capfd):
    """P9: the queue and its log line hold ids and counts."""
    _erased(alice)
    clear_copies(now=clock.now())
    said = "".join(capfd.readouterr()) + str(list(ProviderCopy.objects.values()))
    assert "5550123" not in said
    assert SAM not in said
