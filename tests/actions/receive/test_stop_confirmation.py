"""One confirmation of a STOP, within five minutes, or none; HELP and safety reply stay hers to ask for (rule 22)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW
from worker.actions.consent.hold import hold_standing
from worker.actions.consent.unsubscribe import unsubscribe
from worker.actions.receive.reply import Reply
from worker.actions.receive.sms import inbound_sms
from worker.models import Event, Inbound, Message, StaffTask, Standing

DUE = NOW + timedelta(hours=1)
EXACTLY = timedelta(minutes=5)
SECOND = timedelta(seconds=1)
STRANGER = "+12125550199"


@pytest.fixture
def alice(house):
    """Alice, on both channels, her opt-in confirmations accepted."""
    client = builders.alice().client
    post.confirmed(NOW)
    return client


def _wrote(house, body, *, now=DUE, phone=ALICES_PHONE, **more):
    return builders.text_from(house.lakeside, phone, body, now=now, **more)


def _confirmations(**which):
    return Message.objects.filter(kind="stop_confirmation", **which)


def _click(client, now=DUE):
    assert unsubscribe(link_key=client.contacts.get(channel="email").link_key, method="one-click", now=now)


@pytest.mark.parametrize("channel", ["sms", "email"])
@pytest.mark.parametrize(("after", "goes"), [(EXACTLY - SECOND, True), (EXACTLY, False), (EXACTLY + SECOND, False)])
def test_the_edge_is_exact_on_both_channels(alice, house, channel, after, goes):
    """Rule 22: at 4:59 it goes; from 5:00 on it is missed, and the record says why."""
    _wrote(house, "STOP") if channel == "sms" else _click(alice)
    assert post.round_of_post(DUE + after, channel=channel) == (["stop-confirmation"] if goes else [])
    confirmation = _confirmations().get()
    assert (confirmation.state, confirmation.reason) == (("accepted", "") if goes else ("missed", "too_late"))
    assert Event.objects.filter(subject=f"message:{confirmation.pk}", code="sent" if goes else "too_late").exists()


@pytest.mark.parametrize(("late", "count"), [(EXACTLY - SECOND, 1), (EXACTLY, 0), (timedelta(hours=3), 0)])
def test_a_stop_that_was_heard_late_is_confirmed_in_its_own_time_or_not(alice, house, late, count):
    """Rules 22, 33: five minutes from when she wrote, not from when a list told us; obeyed all the same."""
    reply = Reply(
        clinic_id=house.lakeside.pk, provider_id="SMlate", address=ALICES_PHONE, body="STOP", opt_out_type="",
        provider_answers=False, received_at=DUE,
    )  # fmt: skip
    inbound_sms(reply, now=DUE + late)
    assert builders.standing_of(alice).suppressed_at == DUE + late
    assert _confirmations().count() == count
    assert [each.expires_at for each in _confirmations()] == [DUE + EXACTLY] * count
    if not count:
        assert Event.objects.get(kind="unanswered").code == "too_late"


def test_an_outage_ends_it(alice, house):
    """Rule 22: planned, never tried while the provider was away; after five minutes it is no confirmation."""
    _wrote(house, "STOP")
    assert post.round_of_post(DUE + timedelta(hours=2)) == []
    assert _confirmations().get().state == "missed"


@pytest.mark.parametrize("lift", ["START", "by hand"])
def test_stop_start_stop_within_a_day_is_confirmed_once(alice, house, lift):
    """Rule 22: never a second one on the same day; the day after, a new STOP is a new wish."""
    now, provider = DUE, post.Provider()
    for _ in range(3):
        _wrote(house, "STOP", now=now)
        post.round_of_post(now, provider)
        if lift == "START":
            _wrote(house, "START", now=now + timedelta(minutes=12))
        Standing.objects.update(suppressed_at=None, suppressed_why=None)
        now += timedelta(minutes=20)
    assert _confirmations().count() == 1
    assert set(Event.objects.filter(kind="unanswered").values_list("code", flat=True)) == {"confirmed_today"}
    Standing.objects.update(suppressed_at=None, suppressed_why=None)
    _wrote(house, "STOP", now=DUE + timedelta(hours=24, minutes=1))
    assert _confirmations().count() == 2


def test_one_that_never_left_does_not_stand_in_the_way(alice, house):
    """The first was missed in an outage: she heard nothing, so the second STOP is confirmed."""
    _wrote(house, "STOP")
    post.round_of_post(DUE + timedelta(hours=1))
    Standing.objects.update(suppressed_at=None, suppressed_why=None)
    later = DUE + timedelta(hours=2)
    _wrote(house, "STOP", now=later)
    assert post.round_of_post(later) == ["stop-confirmation"]


@pytest.mark.parametrize(
    ("body", "count"),
    [("STOP", 0), ("stop.", 0), ("basta", 1), ("stpo", 1), ("parar", 1), ("arrêt", 1), ("STOP please", 1)],
)
def test_beside_a_provider_that_confirms_itself(alice, house, body, count):
    """Rules 18, 23: its own words are its to confirm; a word that only we know is ours. Never both."""
    _wrote(house, body, provider_answers=True)
    assert builders.standing_of(alice).suppressed_at == DUE
    assert _confirmations().count() == count


@pytest.mark.parametrize(("body", "count"), [("HELP", 0), ("info", 0), ("ayuda", 1), ("aide", 1)])
def test_help_beside_such_a_provider(alice, house, body, count):
    """Rule 31: always answered, by one of the two."""
    _wrote(house, body, provider_answers=True)
    assert Message.objects.filter(kind="help").count() == count


@pytest.mark.parametrize("who", ["unknown", "suppressed", "held", "both"])
def test_help_is_always_answered_and_changes_nothing(alice, house, who):
    """Rule 31: whoever asks, whatever stands; once a day."""
    phone = STRANGER if who == "unknown" else ALICES_PHONE
    if who in ("suppressed", "both"):
        _wrote(house, "STOP")
        post.round_of_post(DUE)
    if who in ("held", "both"):
        hold_standing(builders.standing_of(alice), why="tests", source="", now=DUE)
    before = list(Standing.objects.order_by("pk").values())
    later = DUE + timedelta(hours=7)
    for _ in range(3):
        _wrote(house, "HELP", phone=phone, now=later)
    provider = post.Provider()
    post.round_of_post(later, provider)
    assert [out.to for out in provider.taken if "Reply STOP to end" in out.body and "help" in out.body.lower()] == [
        phone
    ]
    assert Message.objects.get(kind="help").state == "accepted"
    assert list(Standing.objects.filter(pk__in=[row["id"] for row in before]).order_by("pk").values()) == before
    _wrote(house, "HELP", phone=phone, now=later + timedelta(days=1))
    assert post.round_of_post(later + timedelta(days=1)).count("help") == 1


@pytest.mark.parametrize("who", ["known", "unknown", "suppressed"])
def test_a_red_flag_goes_to_staff_at_once_and_gets_the_fixed_reply(alice, house, who):
    """Rule 41: an urgent task, due now; the reply only says that nobody watches this number; once a day."""
    phone = STRANGER if who == "unknown" else ALICES_PHONE
    if who == "suppressed":
        _wrote(house, "STOP")
        post.round_of_post(DUE)
    for body in ("it is bleeding and there is pus", "now I have a fever"):
        _wrote(house, body, phone=phone)
    tasks = StaffTask.objects.filter(kind="red_flag_reply")
    assert [(task.due_at, task.client_id) for task in tasks] == [(DUE, None if who == "unknown" else alice.pk)] * 2
    assert not StaffTask.objects.filter(kind="unclear_reply").exists()
    assert all(set(task.facts) == {"inbound", "urgent", "conversation"} for task in tasks)
    provider = post.Provider()
    assert post.round_of_post(DUE, provider).count("safety-reply") == 1
    assert [out.to for out in provider.taken if "not monitored for emergencies" in out.body] == [phone]
    assert Message.objects.get(kind="safety_reply").standing.held_at == DUE


def test_a_stop_with_a_red_flag_is_confirmed_and_alarms(alice, house):
    """Rules 22, 41: one text and no more to her; the clinic calls."""
    _wrote(house, "STOP, it is bleeding")
    assert post.round_of_post(DUE) == ["stop-confirmation"]
    assert StaffTask.objects.filter(kind="red_flag_reply").count() == 1


def test_no_fever_is_no_alarm(alice, house):
    """Rule 41: what is read as harmless stays so."""
    _wrote(house, "no fever, no bleeding, thank you")
    assert not StaffTask.objects.exists()
    assert not Message.objects.filter(kind="safety_reply").exists()


def test_a_confirmation_that_start_overtook_stays_at_home(alice, house):
    """Rule 22: "you get no more texts" would be untrue by now; and a second STOP is confirmed, for none has gone."""
    _wrote(house, "STOP")
    dates = {Inbound.objects.get().provider_id: DUE, "SMstart": DUE + 2 * SECOND}  # the list shows the order
    start = Reply(
        clinic_id=house.lakeside.pk, provider_id="SMstart", address=ALICES_PHONE, body="START", opt_out_type="",
        provider_answers=False, received_at=DUE + 2 * SECOND, listed=dates,
    )  # fmt: skip
    inbound_sms(start, now=DUE + 2 * SECOND)
    assert post.round_of_post(DUE + 2 * SECOND) == ["start-confirmation"]
    assert [each.reason for each in _confirmations()] == ["answered_already"]
    _wrote(house, "STOP", now=DUE + 60 * SECOND)
    assert post.round_of_post(DUE + 60 * SECOND) == ["stop-confirmation"]
