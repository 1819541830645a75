"""What a restore-check looks for: every open message that may have left in the lost time (P4)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW
from worker import clock
from worker.actions.clients.contact import change_contact
from worker.actions.course import outage
from worker.actions.course.unsettled import retry
from worker.actions.receive.reconcile import lists
from worker.actions.restore import candidates, lineage, outbound, replay
from worker.actions.restore.candidates import Lost
from worker.actions.send.claim import Claim
from worker.actions.send.doubt import leave_unresolved
from worker.actions.send.prepare import prepare
from worker.channels.base import Refused, Unknown
from worker.channels.records import Left
from worker.intake.contact import ContactFile
from worker.intake.shape import checked
from worker.models import Attempt, Inbound, Lineage, Message, Ready, Sender, StaffTask, Watermark
from worker.reading.unsettled import failed
from worker.rules.names import Channel
from worker.rules.refusal import Refusals
from worker.rules.states import State

DUE = NOW + timedelta(hours=1)


def test_what_was_late_already_may_have_left_in_the_lost_time(house):
    """P4: due hours before the backup and kept by an outage, it may have gone after it; what had expired before not."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    text = builders.message(client, "same-day")
    since = text.due_at + timedelta(hours=2)
    assert since < text.expires_at
    assert text in candidates.open_messages(Channel.SMS, Lost(since, since + timedelta(minutes=20)))
    after = text.expires_at + timedelta(minutes=1)
    assert text not in candidates.open_messages(Channel.SMS, Lost(after, after + timedelta(minutes=20)))


@pytest.fixture
def put_back(house, provider):
    """Alice, found restored; the lists were last read six hours ago, and a STOP whose webhook is lost lies in one."""
    builders.alice(now=clock.now(), treated=clock.now() - timedelta(hours=1))
    lineage.declare_restored(now=clock.now())
    for source in lists():
        Watermark.objects.create(name=source.name, read_to=clock.now() - timedelta(hours=6))
    provider.faults(inbound={"lose": 1})
    provider.reply(ALICES_PHONE, "STOP", to="+12125550100")


@pytest.mark.usefixtures("put_back")
def test_a_list_that_was_never_opened_is_not_read(monkeypatch):
    """P2: a STOP may lie in it: it counts as failed, and nothing is released."""
    monkeypatch.setattr(replay, "ONE_LIST", -1.0)
    monkeypatch.setattr(replay, "ROUNDS", 2)
    assert replay._inbound(clock.now()) == (0, len(lists()))
    monkeypatch.setattr(outbound, "accounts", list)
    assert replay.replay(now=clock.now()).inbound_failed == len(lists())
    assert Lineage.objects.get().checked_at is None
    with pytest.raises(Refusals, match="was not compared"):
        replay.release(by="Sam", now=clock.now())


@pytest.mark.usefixtures("put_back")
def test_a_list_that_was_left_half_way_is_read_on(monkeypatch):
    """P2: one span of it a round, the first five of them empty; the STOP at its end is found and obeyed."""
    monkeypatch.setattr(clock, "running", lambda: 5.0)  # so each list is left after its first span
    monkeypatch.setattr(replay, "ONE_LIST", 0.0)
    assert replay._inbound(clock.now() + timedelta(minutes=2)) == (1, 0)
    assert Inbound.objects.get().word == "stop"


@pytest.fixture
def compared(monkeypatch):
    """Run a restore-check against a list of texts that left."""
    monkeypatch.setattr(replay, "_inbound", lambda now: (0, 0))
    monkeypatch.setattr(outbound, "made_for", lambda account, numbers, since: [])

    def run(texts, now):
        lineage.declare_restored(now=NOW)
        monkeypatch.setattr(outbound, "spans", lambda *account, **times: [list(texts)])
        Lineage.objects.update(lost_since=NOW)
        return replay.replay(now=now)

    return run


def test_a_text_that_is_known_here_makes_nobody_doubtful(house, compared):
    """P4: what left before the backup, as it says itself, is no text that no message here has."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    known = Attempt.objects.get(message__client=client)
    sent = Left(provider_id=known.provider_id, to=ALICES_PHONE, body="whatever it said", at=NOW)
    found = compared([sent], DUE)
    assert (found.listed, found.known, found.withheld_sms) == (1, 1, 0)
    assert builders.message(client, "same-day").state == State.PLANNED
    strange = Left(provider_id="SM-strange", to=ALICES_PHONE, body="other words of ours", at=NOW)
    assert compared([sent, strange], DUE).withheld_sms >= 1
    assert builders.message(client, "same-day").state == State.WITHHELD


def test_a_second_comparison_withholds_nothing_more(house, compared):
    """P4: what the first found gone is known from then on; run it again as often as you like."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    first = builders.message(client, "same-day")
    (written,) = prepare([Claim(first.pk, 0)], now=DUE)
    went = Left(provider_id="SM-went", to=written.to, body=written.words.text, at=DUE)
    assert compared([went], DUE).gone == 1
    later = builders.message(client, "day-1")
    found = compared([went], later.due_at)
    assert (found.gone, found.known, found.withheld_sms) == (0, 1, 0)
    assert builders.message(client, "day-1").state == State.PLANNED


@pytest.fixture
def in_doubt(house):
    """Alice's first text, of which the backup does not know whether it left: its words, and where they went."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    text = builders.message(client, "same-day")
    (written,) = prepare([Claim(text.pk, 0)], now=text.due_at)
    post.round_of_post(text.due_at, post.Provider([Unknown("no answer in time")]))
    text.refresh_from_db()
    assert text.state == State.UNKNOWN
    return text, written


def test_a_doubt_that_the_lost_time_settled_is_not_sent_again(in_doubt, compared):
    """P4: proved absent in the lost time and sent two hours later: the doubt looks at its call's minutes alone."""
    text, written = in_doubt
    later = text.due_at + timedelta(hours=2)
    again = Left(provider_id="SM-again", to=written.to, body=written.words.text, at=later)
    assert compared([again], later).gone == 1
    text.refresh_from_db()
    assert (text.state, text.provider_id) == (State.ACCEPTED, "SM-again")
    assert compared([again], later).known == 1


def test_a_doubt_whose_number_got_other_words_is_left_to_a_person(in_doubt, compared):
    """P4: they may be its own, written anew: nothing is sent, and staff are told."""
    text, written = in_doubt
    compared([Left(provider_id="SM-other", to=written.to, body="other words", at=text.due_at)], text.due_at)
    text.refresh_from_db()
    assert (text.state, text.reason) == (State.UNRESOLVED, "restored")
    assert StaffTask.objects.get(kind="unknown_outcome").facts["message"] == text.pk


def test_a_doubt_whose_number_got_nothing_stays_one(in_doubt, compared):
    """P4: the list may still show its call."""
    text, _ = in_doubt
    compared([Left(provider_id="SM-far", to="+12125550177", body="words", at=text.due_at)], text.due_at)
    text.refresh_from_db()
    assert text.state == State.UNKNOWN


def test_a_call_under_way_in_the_backup_whose_number_got_other_words_is_left_to_a_person(house, compared):
    """P4: nobody speaks on that call any more; its words may have changed before it was sent again."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    text = builders.message(client, "same-day")
    (written,) = post.decided(post.prepare(post.claimed(text.due_at), now=text.due_at), text.due_at)
    assert Attempt.objects.get(message=text).state == "sending"
    compared([Left(provider_id="SM-other", to=written.to, body="other words", at=text.due_at)], text.due_at)
    text.refresh_from_db()
    assert (text.state, text.reason) == (State.UNRESOLVED, "restored")


def _refused(text):
    post.round_of_post(DUE, post.Provider([Refused("30007")]))


def _came_back(text):
    post.round_of_post(DUE)
    Message.objects.filter(pk=text.pk).update(state=State.UNDELIVERED, reason="code:30003")


def _missed(text):
    Message.objects.filter(pk=text.pk).update(state=State.MISSED, decided_at=DUE)
    Ready.objects.filter(message=text).delete()


def _unresolved(text):
    post.round_of_post(DUE, post.Provider([Unknown("no answer in time")]))
    leave_unresolved(Attempt.objects.get(message=text).pk, "its_worker_may_live", DUE)


@pytest.fixture(params=[_refused, _came_back, _missed, _unresolved])
def ended(house, request):
    """Alice's first text, which had ended badly when the backup was made, and its words."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    text = builders.message(client, "same-day")
    (written,) = prepare([Claim(text.pk, 0)], now=DUE)
    request.param(text)
    return builders.message(client, "same-day"), written


def _sent_again(text, now):
    """What a retry by hand and a replay of that time would send to her."""
    retry(message_ids=[row["id"] for row in failed(now=now, days=3650).rows], by="Sam", now=now)
    outage.replay(since=NOW, until=now + timedelta(days=1), by="Sam", now=now, really=True)
    return post.round_of_post(now)


def test_what_ended_badly_and_was_sent_again_in_the_lost_time_is_not_sent_a_third_time(ended, compared):
    """P4: a retry or a replay after the restore would ring her phone for it once more."""
    text, written = ended
    later = DUE + timedelta(minutes=10)
    again = Left(provider_id="SM-again", to=written.to, body=written.words.text, at=DUE + timedelta(minutes=5))
    found = compared([again], later)
    assert (found.gone, found.strangers) == (1, 0)
    newest = Message.objects.filter(step=text.step, client=text.client_id).order_by("-resend").first()
    assert (newest.state, newest.provider_id) == (State.ACCEPTED, "SM-again")
    replay.release(by="Sam", now=later)
    assert _sent_again(text, later) == []
    assert compared([again], later).known == 1


def test_what_ended_badly_and_whose_number_got_nothing_stays_as_it_is(ended, compared):
    """P5: nothing of the lost time speaks against sending it again."""
    text, _ = ended
    assert compared([], DUE + timedelta(minutes=10)).gone == 0
    before, state = text.state, Message.objects.get(pk=text.pk).state
    assert state == before
    assert Message.objects.filter(step=text.step, client=text.client_id).count() == 1


def test_another_clinics_text_to_the_same_number_makes_nothing_doubtful(house, compared):
    """P5: a sender belongs to one clinic (rule 26): what Hillside wrote to her is no text of Lakeside's."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    theirs = Sender.objects.filter(channel=Channel.SMS).exclude(clinic=client.clinic).first()
    text = {"provider_id": "SM-theirs", "to": ALICES_PHONE, "body": "other words", "at": DUE}
    found = compared([Left(**text, sender=theirs.identity)], DUE)
    assert (found.withheld_sms, found.strangers) == (0, 1)
    assert compared([Left(**text, sender="+19995550100")], DUE).withheld_sms >= 1, "nobody knows whose that is"


def test_what_a_part_of_the_list_made_doubtful_a_later_part_may_show(house, monkeypatch, compared):
    """P4, P8: each part is acted on by itself, so that a reading may be stopped; what the next says is the truth."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    (written,) = prepare([Claim(builders.message(client, "same-day").pk, 0)], now=DUE)
    other = Left(provider_id="SM-other", to=written.to, body="other words", at=NOW)
    assert compared([other], DUE).withheld_sms >= 1
    assert builders.message(client, "same-day").state == State.WITHHELD
    own = Left(provider_id="SM-own", to=written.to, body=written.words.text, at=DUE)
    assert compared([other, own], DUE).gone == 1
    assert builders.message(client, "same-day").state == State.ACCEPTED


def test_a_planned_text_that_went_makes_no_call_doubtful(in_doubt, compared):
    """P5: what has a message of its own is no other words of the call's."""
    text, _ = in_doubt
    later = builders.message(text.client, "day-1")
    (written,) = prepare([Claim(later.pk, 0)], now=later.due_at)
    went = Left(provider_id="SM-day-1", to=written.to, body=written.words.text, at=later.due_at)
    assert compared([went], later.due_at).gone == 1
    text.refresh_from_db()
    assert text.state == State.UNKNOWN


@pytest.mark.parametrize("ended", [_refused, _came_back], indirect=True)
def test_what_ended_badly_and_whose_number_got_other_words_is_withheld(ended, compared):
    """P4: it may have been sent again with words written anew: no retry in bulk, and no replay, rings for it."""
    text, written = ended
    compared([Left(provider_id="SM-other", to=written.to, body="other words", at=DUE)], DUE + timedelta(minutes=10))
    text.refresh_from_db()
    assert (text.state, text.reason) == (State.WITHHELD, "restored")
    own = Left(provider_id="SM-own", to=written.to, body=written.words.text, at=DUE)
    assert compared([own], DUE + timedelta(minutes=10)).gone == 1
    newest = Message.objects.filter(step=text.step, client=text.client_id).order_by("-resend").first()
    assert (newest.state, newest.provider_id) == (State.ACCEPTED, "SM-own")


@pytest.mark.parametrize("ended", [_came_back], indirect=True)
def test_what_was_sent_again_to_her_new_number_is_found(ended, compared):
    """P4: staff corrected the number before the backup, and sent the text again after it."""
    text, written = ended
    raw = {"changed_by": builders.SAM, "phone": "+12125550188", "consents": []}
    change_contact(client_id=text.client_id, file=checked(ContactFile, raw), now=DUE)
    again = Left(provider_id="SM-again", to="+12125550188", body=written.words.text, at=DUE)
    assert compared([again], DUE + timedelta(minutes=10)).gone == 1
    assert Message.objects.get(provider_id="SM-again").contact.valid_to is None
