"""A STOP whose webhook was lost is found in the provider's own list and obeyed in its time (P2, rules 19, 30, 33)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from celery import signals
from django.conf import settings

from config.celery import app
from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, BOBS_PHONE
from worker import clock, sealed
from worker.actions.clients.enrol import enrol
from worker.actions.consent import standing
from worker.actions.receive.reconcile import reconcile
from worker.actions.receive.reply import Reply
from worker.actions.receive.sms import inbound_sms
from worker.channels.records import Records
from worker.intake.client import ClientFile
from worker.intake.shape import checked
from worker.models import Event, Inbound, Message, Sender, StaffTask, Standing, Suppression, Watermark
from worker.reading.chain import faults
from worker.reading.status import status

LAKESIDE, HILLSIDE = "+12125550100", "+12125550111"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def alice(house, provider):
    """Alice, enrolled and confirmed today."""
    client = builders.alice(now=clock.now(), treated=clock.now() - timedelta(hours=1)).client
    post.confirmed(clock.now())
    return client


def _lost(provider, body, *, phone=ALICES_PHONE, to=LAKESIDE):
    """What a client wrote, its webhook gone for good."""
    provider.faults(inbound={"lose": 1})
    said = provider.reply(phone, body, to=to)
    assert said["hook"] == {"lost": True}
    return said["sid"]


def _later(minutes=2):
    clock.step_to(clock.now() + minutes * MINUTE)
    return reconcile(now=clock.now())


def _stopped(client):
    return builders.standing_of(client).suppressed_at is not None


def test_a_lost_stop_is_found_and_obeyed_before_the_next_text(alice, provider):
    """Rule 33: within minutes, with all that a webhook would have done; and only once, however often it is read."""
    sid = _lost(provider, "STOP")
    assert not _stopped(alice)
    assert _later().found == 1
    assert _stopped(alice)
    assert Inbound.objects.get().provider_id == sid
    assert not Message.objects.filter(client=alice, channel="sms", state="planned", cls="course").exists()
    before = builders.counts()
    for _ in range(3):
        assert _later().found == 0
    assert builders.counts() == before
    assert faults() == []


def test_it_is_confirmed_within_its_five_minutes_or_not(alice, provider):
    """Rule 22: two minutes late it still is; what an outage hid is obeyed in silence."""
    _lost(provider, "STOP")
    _later(2)
    assert post.round_of_post(clock.now()) == ["stop-confirmation"]
    _lost(provider, "STOP", phone=BOBS_PHONE)
    _later(30)
    assert Event.objects.get(kind="unanswered").code == "too_late"


def test_a_webhook_on_its_way_is_left_alone(alice, provider):
    """Rule 24: it may carry a verdict that the list lacks; it gets a minute."""
    _lost(provider, "STOP")
    assert reconcile(now=clock.now()).found == 0
    assert not _stopped(alice)
    assert _later().found == 1


def test_what_the_webhook_brought_is_not_counted_again(alice, house, provider):
    """Rule 97: by the provider's id."""
    sid = _lost(provider, "STOP")
    reply = Reply(
        clinic_id=house.lakeside.pk, provider_id=sid, address=ALICES_PHONE, body="STOP", opt_out_type="",
        provider_answers=False,
    )  # fmt: skip
    inbound_sms(reply, now=clock.now())
    assert _later().found == 0
    assert Suppression.objects.count() == 1


def test_a_late_webhook_with_the_providers_verdict_still_counts(alice, house, provider):
    """Rule 24: the list took a custom word for nothing; its webhook, late, says STOP."""
    sid = _lost(provider, "ok")
    assert _later().found == 1
    assert not _stopped(alice)
    reply = Reply(
        clinic_id=house.lakeside.pk, provider_id=sid, address=ALICES_PHONE, body="ok", opt_out_type="STOP",
        provider_answers=True,
    )  # fmt: skip
    inbound_sms(reply, now=clock.now())
    assert _stopped(alice)
    assert Inbound.objects.get().word == "stop"


def test_lost_stop_and_lost_start_count_in_their_order(alice, provider):
    """Rule 30: what was said last counts: STOP then START leaves her as START leaves anyone; START then STOP stops."""
    _lost(provider, "STOP")
    clock.step_to(clock.now() + 3 * MINUTE)
    _lost(provider, "START")
    assert _later().found == 2
    assert not _stopped(alice)
    _lost(provider, "START")
    clock.step_to(clock.now() + 3 * MINUTE)
    _lost(provider, "STOP")
    assert _later().found == 2
    assert _stopped(alice)
    assert faults() == []


def _held_up(house, provider, body):
    """What a client writes now; the webhook that the provider sends of it gets here only when it is called."""
    sid = _lost(provider, body)
    reply = Reply(
        clinic_id=house.lakeside.pk, provider_id=sid, address=ALICES_PHONE, body=body, opt_out_type="",
        provider_answers=False,
    )  # fmt: skip
    return lambda: inbound_sms(reply, now=clock.now())


def _passes(seconds):
    clock.step_to(clock.now() + timedelta(seconds=seconds))


def test_a_lost_stop_before_a_start_that_we_heard_is_over(alice, house, provider):
    """Rule 30: she took it back before we knew of it, as the provider's dates say; on record, without effect."""
    _lost(provider, "STOP")
    _passes(180)
    _held_up(house, provider, "START")()
    assert _later().found == 1
    assert not _stopped(alice)
    assert Event.objects.get(kind="reply_outdated").code == "stop"


def test_a_lost_stop_counts_where_nothing_says_that_the_start_came_later(alice, house, provider):
    """P2: a START that no list knows may have been held up on its way: in doubt nothing is sent."""
    _lost(provider, "STOP")
    _passes(180)
    builders.text_from(house.lakeside, ALICES_PHONE, "START", now=clock.now())
    assert _later().found == 1
    assert _stopped(alice)


def test_a_start_written_before_a_stop_and_heard_after_it_undoes_nothing(alice, house, provider):
    """P2: webhooks overtake each other; it waits for the provider's dates, and they say no."""
    start = _held_up(house, provider, "START")
    _passes(20)
    _held_up(house, provider, "STOP")()
    _passes(20)
    start()
    assert _stopped(alice)
    assert StaffTask.objects.filter(kind="start_reply", done_at__isnull=True).count() == 1
    _later()
    assert _stopped(alice)
    assert Event.objects.get(kind="reply_outdated").code == "start"
    assert not StaffTask.objects.filter(kind="start_reply", done_at__isnull=True).exists()
    assert not Inbound.objects.filter(follow_up_sealed__isnull=False).exists()
    assert faults() == []


def test_a_start_right_after_a_stop_counts_once_the_list_shows_the_order(alice, house, provider):
    """Rule 30: she said STOP by mistake; two minutes later she is back, told once, and no task is left."""
    _held_up(house, provider, "STOP")()
    _passes(20)
    _held_up(house, provider, "START")()
    assert _stopped(alice)
    assert post.round_of_post(clock.now()) == ["stop-confirmation"]
    _later()
    assert not _stopped(alice)
    assert post.round_of_post(clock.now()) == ["start-confirmation"]
    assert not StaffTask.objects.filter(kind="start_reply", done_at__isnull=True).exists()
    before = builders.counts()
    _later()
    assert builders.counts() == before
    assert faults() == []


def test_start_then_stop_again_while_it_waits(alice, house, provider):
    """P2: the second STOP is later than the START by the same dates; it stands."""
    for body in ("STOP", "START", "STOP"):
        _held_up(house, provider, body)()
        _passes(10)
    _later()
    assert _stopped(alice)
    assert Event.objects.get(kind="reply_outdated").code == "start"


def test_a_start_in_the_same_second_as_a_stop_does_not_count(alice, house, provider):
    """P2: the provider's dates know seconds only: a STOP counts in doubt."""
    stop, start = _held_up(house, provider, "STOP"), _held_up(house, provider, "START")
    stop()
    start()
    _later()
    assert _stopped(alice)


def test_a_list_whose_clock_is_ahead_does_not_undo_a_stop(alice, house, provider, monkeypatch):
    """P2: a lost START is dated three minutes ahead of our clock; the STOP that we heard has a date there as well."""
    received = Records.received

    async def ahead(self, **how):
        how |= {"until": how["until"] + timedelta(days=1)}
        return [replace(text, at=text.at + 3 * MINUTE) for text in await received(self, **how)]

    monkeypatch.setattr(Records, "received", ahead)
    _lost(provider, "START")
    _passes(30)
    _held_up(house, provider, "STOP")()
    _later()
    assert _stopped(alice)


def test_a_start_without_the_stops_date_stays_with_staff(alice, house, provider):
    """P2: the STOP went to another list, or never came by text of ours: nobody can tell, so a person looks."""
    builders.text_from(house.lakeside, ALICES_PHONE, "STOP", now=clock.now())
    _passes(20)
    _held_up(house, provider, "START")()
    _later()
    assert _stopped(alice)
    assert StaffTask.objects.filter(kind="start_reply", done_at__isnull=True).count() == 1
    _passes(600)
    builders.text_from(house.lakeside, ALICES_PHONE, "START", now=clock.now())
    assert not _stopped(alice)


def test_a_lost_start_before_a_stop_that_we_heard_undoes_nothing(alice, house, provider):
    """P2: an old START never undoes a newer STOP."""
    _lost(provider, "START")
    clock.step_to(clock.now() + 3 * MINUTE)
    builders.text_from(house.lakeside, ALICES_PHONE, "STOP", now=clock.now())
    assert _later().found == 1
    assert _stopped(alice)
    assert Event.objects.get(kind="reply_outdated").code == "start"


@pytest.mark.parametrize(("signed", "stops"), [(timedelta(minutes=3), False), (timedelta(minutes=-30), True)])
def test_a_consent_counts_by_when_it_was_signed(house, provider, signed, stops):
    """Rules 2, 33: what she signed after that STOP stands; a form signed before it and typed in later does not."""
    _lost(provider, "STOP")
    said_at = clock.now()
    clock.step_to(said_at + 10 * MINUTE)
    raw = builders.client_file(treated=clock.now() - timedelta(hours=1))
    for consent in raw["consents"]:
        consent["given_at"] = (said_at + signed).isoformat()
    client = enrol(checked(ClientFile, raw), now=clock.now()).client
    assert _later().found == 1
    assert _stopped(client) == stops


def test_on_a_shared_phone_one_older_consent_is_enough(house, provider):
    """Rules 33, 134: her sister signed after that STOP, she before it: nobody knows who wrote, so both are silent."""
    older = builders.client_file(treated=clock.now() - timedelta(hours=1))
    newer = builders.client_file(
        treated=clock.now() - timedelta(hours=1), external_id="A-2", email="zoe@example.com", name="Zoe Moreau"
    )
    for consent in older["consents"]:
        consent["given_at"] = (clock.now() - timedelta(hours=1)).isoformat()
    for consent in newer["consents"]:
        consent["given_at"] = (clock.now() + 5 * MINUTE).isoformat()
    _lost(provider, "STOP")
    clock.step_to(clock.now() + 10 * MINUTE)
    clients = [enrol(checked(ClientFile, raw), now=clock.now()).client for raw in (older, newer)]
    assert _later().found == 1
    assert all(_stopped(client) for client in clients)


def test_a_stranger_is_kept_and_each_clinic_gets_its_own(house, provider):
    """Rules 25, 26, 34: by the number that was written to."""
    _lost(provider, "STOP", phone="+12125550199", to=HILLSIDE)
    assert _later().found == 1
    assert Suppression.objects.get().clinic_id == house.hillside.pk


def test_one_list_that_fails_hides_no_other(alice, provider, house):
    """Rule 33: Hillside's account has a wrong token; Lakeside's STOP is found, and `status` says who is behind."""
    own = sealed.seal_json(["wrong"], "sender.credentials")
    Sender.objects.filter(clinic=house.hillside, channel="sms").update(
        account_sid="AC" + "9" * 32, credentials_sealed=own
    )
    _lost(provider, "STOP")
    report = _later()
    assert (report.read, report.failed, report.found) == (1, 1, 1)
    assert _stopped(alice)
    lists = {each["failures"]: each for each in status(now=clock.now())["inbound_lists"]}
    assert set(lists) == {0, 1}
    assert lists[1]["code"]


@pytest.mark.parametrize("kind", ["500", "503", "drop", "refuse", "429"])
def test_an_outage_of_the_list_costs_time_and_no_stop(alice, provider, kind):
    """Rule 33: the mark stays where it was, so the next reading finds it."""
    _lost(provider, "STOP")
    provider.faults(api=[{"kind": kind, "on": "read", "chance": 1.0}])
    assert _later().failed == 2
    assert not _stopped(alice)
    provider.clear_faults()
    report = _later(60 * 26)
    assert (report.failed, report.found) == (0, 1)
    assert _stopped(alice)


def test_a_list_that_lags_behind_is_made_up_for(alice, provider):
    """Rule 80: what the list did not show yet when its hour was read is found in the overlap."""
    provider.faults(list_lag_ms=86_400_000, inbound={"lose": 1})
    provider.reply(ALICES_PHONE, "STOP", to=LAKESIDE)
    assert _later(3).found == 0
    provider.clear_faults()
    assert _later(3).found == 1
    assert _stopped(alice)


def test_after_days_away_every_hour_is_read(alice, provider):
    """No worker ran for a weekend: the mark knows where to go on."""
    _later()
    clock.step_to(clock.now() + timedelta(hours=7))
    _lost(provider, "STOP")
    assert _later(60 * 60).found == 1
    assert _stopped(alice)
    assert Watermark.objects.filter(name__startswith="inbound:", failures=0).count() == 2


def test_more_than_one_page_is_read_to_its_end(alice, provider):
    """Newest first, the STOP on the last page."""
    provider.faults(inbound={"lose": 200})
    provider.reply(ALICES_PHONE, "STOP", to=LAKESIDE)
    for number in range(45):
        provider.reply(f"+1212555{5000 + number}", "thanks", to=LAKESIDE)
    assert _later().found == 46
    assert _stopped(alice)


def test_a_messaging_service_is_read_by_its_account(house, provider):
    """Rule 26: which numbers it has only the provider knows; the service it names says whose text it is."""
    Sender.objects.filter(clinic=house.lakeside, channel="sms").update(identity="MG" + "d" * 32)
    client = builders.alice(now=clock.now(), treated=clock.now() - timedelta(hours=1)).client
    provider.faults(inbound={"lose": 1})
    provider.reply(ALICES_PHONE, "STOP", to="MG" + "d" * 32)
    assert _later().found == 1
    assert _stopped(client)


def test_a_row_that_cannot_be_written_is_found_again(alice, provider, settings):
    """Rule 33: a lost fingerprint key refuses the text; once it is back, the same reading finds it."""
    _lost(provider, "STOP", phone="+12125550199")
    Standing.objects.filter(pk=builders.standing_of(alice).pk).update(key_id="lost")
    standing._keys_seen_at = -1e9
    assert _later().failed == 1
    Standing.objects.filter(key_id="lost").update(key_id=Standing.objects.exclude(key_id="lost").first().key_id)
    assert _later().found == 1


def test_half_an_emoji_stops_no_reading(alice, provider):
    """P2: a text cut in two within a character can't be stored as it is; the STOP behind it is found all the same."""
    _lost(provider, "thanks \ud83d")
    _lost(provider, "STOP")
    assert _later().found == 2
    assert _stopped(alice)
    assert _later().failed == 0


def test_a_text_that_we_fail_on_keeps_no_other_waiting(alice, provider, monkeypatch):
    """P2: should our own reading have a fault, the STOP behind that text counts, and so does one of the next day."""

    def faulty(reply, *, now):
        if reply.body == "hello":
            raise ArithmeticError
        return inbound_sms(reply, now=now)

    monkeypatch.setattr("worker.actions.receive.reconcile.inbound_sms", faulty)
    _lost(provider, "hello")
    _lost(provider, "STOP")
    assert _later().found == 1
    assert _stopped(alice)
    clock.step_to(clock.now() + timedelta(days=1))
    _lost(provider, "STOP", phone=BOBS_PHONE)
    assert _later().found == 1


def test_a_provider_that_hangs_is_asked_once_and_not_for_each_number(alice, provider, settings):
    """Nothing that sends waits long for a list: after the first number that got no answer, no other is begun."""
    settings.PROVIDER_TIMEOUT_SECONDS = 1
    provider.faults(latency_ms=3000)
    report = reconcile(now=clock.now() + 2 * MINUTE, longest=0.5)
    assert (report.read, report.failed, report.codes) == (0, 1, ["no_answer"])
    provider.clear_faults()
    assert _later().read == 2


def test_the_lists_are_read_by_beat_and_when_a_worker_starts():
    """Rule 33: every RECONCILE_SECONDS, and at once by whoever comes up."""
    entry = app.conf.beat_schedule["reconcile"]
    assert (entry["task"], entry["schedule"]) == ("aftercare.reconcile", settings.RECONCILE_SECONDS)
    assert signals.worker_ready.receivers
