"""A restore-check reads the provider's real list of what we sent: all of it, whatever its size or the day (P4)."""

from __future__ import annotations

import base64
import json
import urllib.parse
import urllib.request
from datetime import timedelta

import pytest
from django.conf import settings

from tests import builders
from tests.actions import post
from worker import clock
from worker.actions.receive.reconcile import lists
from worker.actions.restore import lineage, outbound, replay
from worker.actions.send.claim import Claim
from worker.actions.send.prepare import prepare
from worker.channels.base import Refused
from worker.channels.records import Records, RecordsError
from worker.models import Lineage, Message, Watermark
from worker.rules.refusal import Refusals
from worker.rules.states import State


@pytest.fixture
def put_back(house, provider):
    """Alice's first text is due; the database was found restored; the incoming lists are read."""
    client = builders.alice(
        now=clock.now(), treated=clock.now() - timedelta(hours=1), consents=builders.SERVICE[:2]
    ).client
    post.confirmed(clock.now())
    text = builders.message(client, "same-day")
    clock.step_to(text.due_at)
    (written,) = prepare([Claim(text.pk, 0)], now=clock.now())
    lineage.declare_restored(now=clock.now())
    for source in lists():
        Watermark.objects.create(name=source.name, read_to=clock.now())
    return text, written


def sent(to, body):
    """A text of the lost time: the provider has it, and nobody here."""
    source = lists()[0]
    url = f"{settings.TWILIO_API_URL}/2010-04-01/Accounts/{source.account_sid}/Messages.json"
    login = base64.b64encode(f"{source.account_sid}:{source.auth_token}".encode()).decode()
    form = urllib.parse.urlencode({"To": to, "From": "+12125550100", "Body": body}).encode()
    asked = urllib.request.Request(url, form, {"Authorization": f"Basic {login}"})
    with urllib.request.urlopen(asked) as answer:
        return json.loads(answer.read())


@pytest.mark.parametrize("hold", [True, False])
def test_a_text_that_waits_at_the_provider_has_gone(put_back, provider, hold):
    """P4: queued it has no date of sending, and no list by dates shows it; sent again, her phone would ring twice."""
    text, written = put_back
    provider.faults(hold=hold)
    made = sent(written.to, written.words.text)
    if not hold:
        provider.wait_quiet()
    clock.step_to(clock.now() + timedelta(minutes=2))
    found = replay.replay(now=clock.now())
    assert (found.listed, found.gone, found.withheld_sms) == (1, 1, 0)
    text.refresh_from_db()
    assert (text.state, text.provider_id) == (State.ACCEPTED, made["sid"])
    replay.release(by="Sam", now=clock.now())
    assert post.round_of_post(clock.now()) == []


@pytest.mark.parametrize("hold", [True, False])
def test_other_words_that_wait_at_the_provider_withhold_what_is_planned(put_back, provider, hold):
    """P4: they may be its own, written anew."""
    text, written = put_back
    provider.faults(hold=hold)
    sent(written.to, "other words of ours")
    if not hold:
        provider.wait_quiet()
    clock.step_to(clock.now() + timedelta(minutes=2))
    assert replay.replay(now=clock.now()).withheld_sms >= 1
    text.refresh_from_db()
    assert (text.state, text.reason) == (State.WITHHELD, "restored")


def test_what_was_sent_again_and_waits_there_has_gone(put_back, provider):
    """P4: refused in the backup, retried in the lost time, and not out yet."""
    text, written = put_back
    post.round_of_post(clock.now(), post.Provider([Refused("30007")]))
    Message.objects.filter(pk=text.pk).update(state=State.REFUSED)
    provider.faults(hold=True)
    sent(written.to, written.words.text)
    assert replay.replay(now=clock.now()).gone == 1
    text.refresh_from_db()
    assert text.state == State.ACCEPTED


def test_a_text_from_before_the_lost_time_withholds_nothing(put_back, provider):
    """P5: what another program once sent to her from this account says nothing of the lost time."""
    text, written = put_back
    sent(written.to, "from another program")
    provider.wait_quiet()
    clock.step_to(clock.now() + timedelta(minutes=30))
    Lineage.objects.update(lost_since=clock.machine())
    found = replay.replay(now=clock.now())
    assert (found.listed, found.withheld_sms) == (0, 0)
    text.refresh_from_db()
    assert text.state == State.PLANNED


@pytest.fixture
def long_list(put_back, provider):
    """Three hours of texts to many, and Alice's own in the last."""
    for hour in range(3):
        for number in range(40):
            sent(f"+1212555{2000 + number}", f"hour {hour}")
        provider.wait_quiet()
        clock.step_to(clock.now() + timedelta(hours=1))
    _, written = put_back
    sent(written.to, written.words.text)
    provider.wait_quiet()
    Lineage.objects.update(lost_since=clock.machine() - timedelta(hours=3))  # the steps are the calendar's alone
    return put_back[0]


def test_a_reading_that_was_stopped_goes_on_where_it_stopped(long_list, monkeypatch):
    """P4, P11: nobody has to fall back on --unchecked because a list is long: each span that was dealt with counts."""
    asked = []
    real = Records.left

    async def left(self, *, since, until, page):
        asked.append((since, until))
        if len(asked) == 4:
            raise KeyboardInterrupt
        return await real(self, since=since, until=until, page=page)

    monkeypatch.setattr(Records, "left", left)
    with pytest.raises(KeyboardInterrupt):
        replay.replay(now=clock.now())
    assert Lineage.objects.get().checked_at is None
    stopped = asked[-1]
    found = replay.replay(now=clock.now())
    assert asked[4] == (stopped[0] - outbound.OVERLAP, stopped[0] - outbound.OVERLAP + outbound.SHORTEST)
    assert found.gone == 1
    long_list.refresh_from_db()
    assert long_list.state == State.ACCEPTED
    assert not Watermark.objects.filter(name__startswith=outbound.MARKS).exists()
    assert replay.replay(now=clock.now()).listed == 121


def test_no_more_than_a_span_is_in_memory_and_each_is_told(long_list, monkeypatch):
    """P11: 200,000 texts a day are read an hour at most at once, in the largest pages that the provider gives."""
    sizes, pages, told = [], [], []
    real = Records.left

    async def left(self, *, since, until, page):
        texts = await real(self, since=since, until=until, page=page)
        sizes.append(len(texts))
        pages.append(page)
        assert until - since <= outbound.LONGEST
        return texts

    monkeypatch.setattr(Records, "left", left)
    replay.replay(now=clock.now(), tell=told.append)
    assert sum(sizes) == 121
    assert max(sizes) < 121
    assert set(pages) == {1000}
    assert told[0].startswith("read ")
    assert "121 texts of ours" in " ".join(told)


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        ("20003", "mend the provider's login"),
        ("no_answer", "wait until the provider answers"),
        ("too_long", "took longer than two minutes"),
    ],
)
@pytest.mark.usefixtures("put_back")
def test_a_list_that_cannot_be_read_says_what_to_mend(monkeypatch, code, mend):
    """P12: who is told to mend a login that is right ends with --unchecked, and that rings twice."""
    monkeypatch.setattr(outbound, "PAUSE", 0.0)

    async def left(*_, **__):
        raise RecordsError(code)

    monkeypatch.setattr(Records, "left", left)
    with pytest.raises(Refusals, match=mend):
        replay.replay(now=clock.now())
    assert Lineage.objects.get().checked_at is None


def test_what_is_too_much_for_one_answer_comes_in_smaller_ones(put_back, provider, monkeypatch):
    """P4: a provider that stumbles, or an answer larger than we take, costs a try and not the comparison."""
    _, written = put_back
    sent(written.to, written.words.text)
    provider.wait_quiet()
    monkeypatch.setattr(outbound, "PAUSE", 0.0)
    monkeypatch.setattr(outbound, "LARGEST_LIST", 100)
    monkeypatch.setattr(outbound, "PAGES", (1000, 200))
    with pytest.raises(Refusals, match="no_answer"):
        replay.replay(now=clock.now())
    monkeypatch.setattr(outbound, "LARGEST_LIST", 100_000)
    real, pages = Records.left, []

    async def left(self, *, page, **times):
        pages.append(page)
        if page == 1000:
            raise RecordsError("no_answer")
        return await real(self, page=page, **times)

    monkeypatch.setattr(Records, "left", left)
    assert replay.replay(now=clock.now()).gone == 1
    assert {1000, 200} == set(pages)


def test_every_number_is_asked_for_though_many_wait(put_back, monkeypatch):
    """P4: more than are asked for at once; one that fails hides no refusal."""
    monkeypatch.setattr(outbound, "PAUSE", 0.0)
    (account,) = outbound.accounts()
    numbers = [f"+1212555{3000 + place}" for place in range(20)]
    for number in numbers:
        sent(number, "words")
    found = outbound.made_for(account, numbers, since=clock.now() - timedelta(minutes=5))
    assert {text.to for text in found} == set(numbers)
    real = Records.left_to

    async def left_to(self, number, **more):
        if number == numbers[-1]:
            raise RecordsError("too_long")
        return await real(self, number, **more)

    monkeypatch.setattr(Records, "left_to", left_to)
    with pytest.raises(RecordsError, match="too_long"):
        outbound.made_for(account, numbers, since=clock.now())
