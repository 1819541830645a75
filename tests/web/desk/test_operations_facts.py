"""The operations page and `aftercare status` say the same: each fact that the one has stands on the other (issue 4)."""

from __future__ import annotations

import copy
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.actions import post
from worker import broker, clock
from worker.actions.consent.hold import pause
from worker.models import Feed, Hour, Message, Pause, Pulse, Sender, Watermark
from worker.models.hold import CIRCUIT, PauseScope
from worker.models.staff import Role
from worker.reading.house import house
from worker.web.desk import operations

ONE_OF = {  # lists that we keep: another of the same list, for the page says each in words of its own
    "all": "drain", "open": "half_open", "sms": "email", "page": "ticket",
}  # fmt: skip
ELSEWHERE = {
    "alarms.code": "the alarm's sentence says it",
    "paused.scope": "told as `name`, but for all and drain, which are tried",
    "paused.value": "a key of our tables: `name` is what people call it",
    "paused.clinic": "its people see no other clinic's",
    "paused.plain": "the words of the command: the page has scope and name",
    "paused.by": "told as `who`, for it may be another clinic's staff (P10)",
    "paused.ours": "whether its people may end it: the link, and its words",
    "paused.id": "the link that ends it",
    "circuits.clinic": "the page is its clinic's",
    "feeds.clinic": "the page is its clinic's",
    "today.ends": "it begins a day before",
    "today.most": "said where the day has more",
}
"""What the page does not say in so many words, and why."""


@pytest.fixture
def said(desk, monkeypatch, settings):
    """A house in which every fact has a value: one of each row that status has."""
    settings.TWILIO_ACCOUNT_SID = "AC1"
    now, machine = clock.now(), clock.machine()
    post.confirmed(now)
    Message.objects.filter(clinic=desk.lakeside, channel="sms").update(due_at=now + timedelta(hours=1))
    Message.objects.filter(clinic=desk.lakeside, channel="email").update(due_at=now + timedelta(hours=1))
    Hour.objects.create(hour=now.replace(minute=0, second=0, microsecond=0), channel="sms", called=7, accepted=5)
    for kind, queues in (("worker", "sms,tend"), ("beat", ""), ("sweep", "")):
        Pulse.objects.create(
            name=f"gen1@{kind}",
            kind=kind,
            queues=queues,
            since=machine,
            seen_at=machine,
            worked_at=machine,
            shift_seconds=0.5,
        )
    sender = Sender.objects.get(clinic=desk.lakeside, channel="sms")
    Watermark.objects.create(name=f"inbound:sender:{sender.pk}", read_to=now - timedelta(hours=2), failures=3, code="x")
    Feed.objects.create(clinic=desk.lakeside, source="book", heard_at=now - timedelta(hours=30))
    Pause.objects.create(scope="sender", value=str(sender.pk), why="refused: 20003", by=CIRCUIT, since=now)
    there = broker.Broker(version="7.2", seconds=0.1, depth={"sms": 1, "email": 2, "tend": 3}, policy="noeviction",
                          append_only=False, used_bytes=5000, limit_bytes=9000, skew=0.0)  # fmt: skip
    monkeypatch.setattr(broker, "look", lambda: there)
    return house(now=now, machine=machine, clinic=desk.lakeside)


def leaves(said: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each single fact; of rows the first one stands for all."""
    if isinstance(said, dict):
        return [leaf for key, value in said.items() for leaf in leaves(value, (*path, key))]
    if isinstance(said, list):
        return leaves(said[0], (*path, 0)) if said else [path]
    return [path]


def named(path: tuple[Any, ...]) -> str:
    """As ELSEWHERE has it."""
    return ".".join(str(each) for each in path if each != 0)


def another(value: Any) -> Any:
    """Quite another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1_234_567
    if value in ONE_OF:
        return ONE_OF[value]
    try:
        return (datetime.fromisoformat(value) - timedelta(days=3, hours=2, minutes=7)).isoformat()
    except ValueError:
        return f"{value}/x"


def changed(said: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """The same facts but for one."""
    other = copy.deepcopy(said)
    at = other
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = another(at[path[-1]])
    return other


def shown(browser, monkeypatch, said: dict[str, Any]) -> str:
    """What the page shows of these facts, without what is drawn anew for each visit."""
    monkeypatch.setattr(operations, "house", lambda **_: said)
    now = datetime.fromisoformat(said["now"])
    monkeypatch.setattr(clock, "now", lambda: now)
    answer = browser.get("/operations").content.decode()
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer)


def test_every_fact_of_status_stands_on_the_page(desk, said, monkeypatch):
    """Issue 4: another value of any fact makes another page; a fact that status alone learns fails here."""
    browser = desk.browser(Role.OPERATOR)
    as_it_is = shown(browser, monkeypatch, said)
    empty = [named(each) for each in leaves(said) if not each or _value(said, each) in (None, [], {})]
    assert empty == [], "give these a value above, or nobody knows whether the page has them"
    unsaid = {
        named(each)
        for each in leaves(said)
        if named(each) not in ELSEWHERE and shown(browser, monkeypatch, changed(said, each)) == as_it_is
    }
    assert unsaid == set()


def _value(said: dict[str, Any], path: tuple[Any, ...]) -> Any:
    for key in path:
        said = said[key]
    return said


def test_nothing_is_excused_that_is_no_fact(said):
    """Issue 4: what the page leaves out stands there with its reason, and nothing that is gone."""
    assert set(ELSEWHERE) - {named(each) for each in leaves(said)} == set()


def test_status_and_page_have_one_reading(desk, said):
    """Issue 4: what the command says of the house, the page says of it: the same names, but for whose a pause is."""
    whole = house(now=clock.now(), machine=clock.machine())
    own = {named(each) for each in leaves(said)} - {"paused.ours", "paused.who"}
    assert {named(each) for each in leaves(whole)} == own


def test_a_drain_and_the_switch_are_told_as_what_they_are(desk, said, monkeypatch):
    """Rule 144: another scope is another page, for those that have no name of their own."""
    browser = desk.browser(Role.OPERATOR)
    pause(scope=PauseScope.ALL, value="", why="w", by="Charlie", now=clock.now())
    facts = house(now=clock.now(), machine=clock.machine(), clinic=desk.lakeside)
    (at,) = [number for number, each in enumerate(facts["paused"]) if each["scope"] == "all"]
    path = ("paused", at, "scope")
    assert shown(browser, monkeypatch, facts) != shown(browser, monkeypatch, changed(facts, path))
