"""A STOP is obeyed first and followed up after: nothing leaves in between, and all that follows comes out the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, BOBS_PHONE, NOW, messages_of, standing_of
from worker import sealed
from worker.actions.consent.desk_revoke import from_desk
from worker.actions.consent.unsubscribe import unsubscribe
from worker.actions.privacy.erase import erase
from worker.actions.receive import follow_up as following
from worker.actions.receive.follow_up import finish_stops
from worker.actions.receive.reply import Reply
from worker.actions.receive.sms import take
from worker.actions.send.prepare import prepare
from worker.actions.send.tend import tend
from worker.models import (
    Appointment,
    ConsentEvent,
    Event,
    Grant,
    Inbound,
    Message,
    Ready,
    StaffTask,
    Standing,
    Suppression,
)
from worker.reading import chain

DUE = NOW + timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def alice(house):
    """Alice, on both channels, her opt-in confirmations accepted."""
    client = builders.alice().client
    post.confirmed(NOW)
    return client


def obeyed(house, body="STOP", *, phone=ALICES_PHONE, now=DUE, sid="SM1", **more):
    """The web part took it, and then its process was killed."""
    given = {"opt_out_type": "", "provider_answers": False} | more
    reply = Reply(clinic_id=house.lakeside.pk, provider_id=sid, address=phone, body=body, **given)
    return take(reply, now=now)


def left_open():
    return Standing.objects.filter(open_stop__isnull=False).count()


def traces(client):
    """Everything that a STOP leaves behind, without numbers and moments."""
    rows = Standing.objects.filter(contacts__client=client).order_by("channel")
    subjects = [f"standing:{row.pk}" for row in rows] + [f"message:{each.pk}" for each in messages_of(client)]
    acts = ConsentEvent.objects.filter(client_id=client.pk, act="revoked")
    return {
        "standing": list(rows.values_list("channel", "suppressed_why", "open_stop")),
        "suppressions": sorted(Suppression.objects.filter(standing__in=rows).values_list("channel", "reason")),
        "acts": sorted(acts.values_list("channel", "purpose", "method", "recorded_by", "happened_at")),
        "evidence": [bool(act.evidence.sealed) and bool(act.commitment) for act in acts],
        "grants": sorted(Grant.objects.filter(client=client).values_list("purpose", "state")),
        "messages": [(each.step.code, each.channel, each.state, each.reason) for each in messages_of(client)],
        "ready": Ready.objects.filter(message__client=client, message__cls="course").count(),
        "events": sorted(Event.objects.filter(subject__in=subjects).values_list("kind", "code")),
        "tasks": [(each.kind, [step["step"] for step in each.facts.get("steps", [])]) for each in _tasks(client)],
    }


def _tasks(client):
    return StaffTask.objects.filter(client=client).order_by("kind", "pk")


def test_a_workers_round_does_it(alice, house):
    """The web process was killed right after it obeyed: the next round of tending does the rest, once."""
    obeyed(house, "stop everything")
    assert left_open() == 2
    assert tend()["stops"] == 2
    assert tend()["stops"] == left_open() == 0
    assert Inbound.objects.get().follow_up_sealed is None
    assert {state for _, state in traces(alice)["grants"]} == {"revoked"}
    assert not Message.objects.filter(client=alice, state="planned", cls="course").exists()


def test_nothing_leaves_before_it_is_followed_up(house):
    """P2: a worker that claims her message in between leaves it alone, and staff hear of it with the others."""
    alice = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    batch = prepare(post.claimed(DUE), now=DUE)
    assert [each.row["step__code"] for each in batch] == ["same-day"]
    obeyed(house)
    assert post.decided(batch, DUE) == []
    assert post.round_of_post(DUE + 2 * SECOND) == []
    assert {each.state for each in messages_of(alice, cls="course")} == {"planned"}
    assert not Event.objects.filter(kind="decision", subject=f"message:{batch[0].pk}").exists()
    finish_stops(now=DUE + 3 * SECOND)
    ended = {(each.state, each.reason) for each in messages_of(alice, cls="course")}
    assert ended == {("cancelled", "revoked")}
    told = StaffTask.objects.get(kind="hand_over_after_stop")
    assert told.facts["steps"][0]["step"] == "same-day"
    assert post.round_of_post(DUE + 4 * SECOND) == ["stop-confirmation"]


def test_the_one_confirmation_keeps_its_five_minutes(alice, house):
    """Rule 22: they run from when she wrote, however late somebody gets to it."""
    obeyed(house)
    finish_stops(now=DUE + timedelta(minutes=4))
    assert Message.objects.get(kind="stop_confirmation").expires_at == DUE + timedelta(minutes=5)


def test_followed_up_too_late_it_is_not_confirmed(alice, house):
    """Rule 22: after five minutes it would be a message, not a confirmation."""
    obeyed(house)
    finish_stops(now=DUE + timedelta(minutes=5))
    assert not Message.objects.filter(kind="stop_confirmation").exists()
    assert Event.objects.get(kind="unanswered").code == "too_late"
    assert Grant.objects.get(client=alice, standing=standing_of(alice), purpose="aftercare").state == "revoked"


def test_twice_is_once(alice, house):
    """Idempotent: two rounds, and a webhook that comes again, add nothing."""
    obeyed(house)
    assert finish_stops(now=DUE) == 1
    before = builders.counts()
    assert finish_stops(now=DUE) == 0
    obeyed(house)
    assert finish_stops(now=DUE) == 0
    assert builders.counts() == before


def test_a_second_stop_meets_the_first_followed_up(alice, house):
    """Each is an act of its own; the second is no reason for a second confirmation."""
    obeyed(house)
    obeyed(house, "STOP!!", sid="SM2", now=DUE + SECOND)
    finish_stops(now=DUE + SECOND)
    acts = ConsentEvent.objects.filter(client_id=alice.pk, act="revoked", purpose="aftercare").order_by("pk")
    assert [act.source for act in acts] == [f"inbound:{pk}" for pk in Inbound.objects.values_list("pk", flat=True)]
    assert Message.objects.filter(kind="stop_confirmation").count() == 1


def test_a_start_after_it_undoes_it(alice, house):
    """Rule 30: START that comes a moment later finds the STOP whole, and takes back what that took."""
    obeyed(house)
    later = DUE + timedelta(minutes=10)
    builders.text_from(house.lakeside, ALICES_PHONE, "START", now=later)
    assert left_open() == 0
    assert standing_of(alice).suppressed_at is None
    acts = ConsentEvent.objects.filter(client_id=alice.pk, purpose="aftercare", channel="sms").order_by("pk")
    assert [act.act for act in acts][-2:] == ["revoked", "restored"]


def _by_desk(client):
    from_desk(clinic_slug="", phone="", email="", client_id=client.pk, reason="letter", received_at=None, now=DUE)


def _by_link(client):
    assert unsubscribe(link_key=client.contacts.get(channel="sms").link_key, method="one-click", now=DUE)


def _by_erasure(client):
    erase(client_id=client.pk, by=builders.OKAFOR, now=DUE)


@pytest.mark.parametrize("act", [_by_desk, _by_link, _by_erasure])
def test_who_needs_the_row_whole_follows_up_first(alice, house, act):
    """What she said first is on record first, with her words, also where she is erased a moment later."""
    obeyed(house)
    act(alice)
    assert left_open() == 0
    acts = ConsentEvent.objects.filter(client_id=alice.pk, channel="sms", purpose="aftercare").order_by("pk")
    first = acts.exclude(act="given")[0]
    assert (first.act, first.method, first.source) == ("revoked", "sms", f"inbound:{Inbound.objects.get().pk}")


def test_one_that_fails_keeps_no_other_waiting(alice, house, capfd):
    """A key that is missing: that STOP stays obeyed and is tried again; the one beside it is followed up."""
    bob = builders.alice(external_id="A-2", phone=BOBS_PHONE, email="second@example.com").client
    obeyed(house)
    obeyed(house, phone=BOBS_PHONE, sid="SM2")
    Inbound.objects.filter(provider_id="SM1").update(body_sealed=b"\x00" * 40)
    assert finish_stops(now=DUE) == 1
    assert Grant.objects.get(client=bob, standing=standing_of(bob), purpose="aftercare").state == "revoked"
    row = standing_of(alice)
    assert row.suppressed_at is not None
    assert row.open_stop is not None
    Inbound.objects.filter(provider_id="SM1").update(body_sealed=sealed.seal("STOP", "inbound.body"))
    assert finish_stops(now=DUE) == 1


@pytest.mark.parametrize("body", ["STOP", "stop everything", "CANCEL", "wrong number", "STOP, it is bleeding"])
def test_in_a_batch_each_gets_what_she_would_have_got_alone(house, monkeypatch, body):
    """Rules 22, 25, 28, 41, 133: four in one burst, three of them in one batch, to the last row."""
    people = []
    for n in range(4):
        Appointment.objects.update(external_id=F("pk"))  # the shipped example's own, freed for the next
        visit = DUE + timedelta(hours=30)
        mine = {"external_id": f"A-{n}", "phone": f"+1212555017{n}", "email": f"a{n}@example.com"}
        people.append(builders.alice(**mine, visit=visit).client)
    post.confirmed(NOW)
    for n in range(4):
        obeyed(house, body, phone=f"+1212555017{n}", sid=f"SM{n}")
    monkeypatch.setattr(following, "BATCH", 1)
    finish_stops(now=DUE, go_on=iter([True, "everything" in body, False]).__next__)
    assert left_open() == (6 if "everything" in body else 3)
    monkeypatch.setattr(following, "BATCH", 20)
    finish_stops(now=DUE)
    alone, *others = [traces(client) for client in people]
    assert alone["tasks"]
    assert {state for _, channel, state, _ in alone["messages"] if channel == "sms"} <= {
        "accepted",
        "cancelled",
        "planned",
    }
    assert all(other == alone for other in others)
    assert chain.faults() == []


def test_verify_knows_a_stop_that_is_not_followed_up(alice, house):
    """P8: in between it is no fault; a row that waits for nothing is one, for nobody would ever come."""
    obeyed(house)
    assert chain.faults() == []
    text = Inbound.objects.get()
    Inbound.objects.update(follow_up_sealed=None)
    fault = f"standing {standing_of(alice).pk} waits for what follows from a text that asks for nothing"
    assert [each for each in chain.faults() if "waits for" in each] == [f"lakeside: {fault}"]
    assert text.follow_up_sealed is not None


def test_verify_finds_an_open_stop_that_stops_nothing(alice, house):
    """P2, P8: a stop that is under way is a stop; one lifted in the tables in between is named."""
    obeyed(house)
    row = standing_of(alice)
    Standing.objects.filter(pk=row.pk).update(suppressed_at=None, suppressed_why=None)
    assert f"lakeside: standing {row.pk} and its suppressions disagree" in chain.faults()


def test_an_unknown_number_is_kept_and_followed_up(house):
    """Rule 34: nobody's number; its acts name no client, and its confirmation finds the way."""
    obeyed(house, phone="+12125550188")
    finish_stops(now=DUE)
    assert ConsentEvent.objects.filter(client_id=None, act="revoked").count() == 3
    assert post.round_of_post(DUE) == ["stop-confirmation"]
    assert chain.faults() == []
