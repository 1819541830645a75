"""The machine room's page: the same facts as `status`, drawn without scripts; pauses of one's own clinic alone."""

from __future__ import annotations

import re

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.builders import NOW
from worker import clock
from worker.actions.consent.hold import pause
from worker.actions.send.circuit import open_circuit
from worker.models import Hour, Message, Pause, Protocol, Sender
from worker.models.hold import PauseScope
from worker.models.staff import Role
from worker.web.desk import charts


def test_it_shows_what_is_late_and_who_works(desk):
    """P5: due, oldest, parts, both pictures; no name and no number of a client, and no inline style (P9)."""
    Hour.objects.create(hour=clock.now().replace(minute=0, second=0, microsecond=0), channel="sms", called=7)
    answer = desk.browser(Role.OPERATOR).get("/operations")
    said = answer.content.decode()
    assert answer.status_code == 200
    assert said.count("<svg") == 2
    assert len(re.findall("<rect", said)) == 1
    assert "style=" not in said
    assert "Redis does not answer" in said
    for secret in ("Alice", "Bob", "5550123"):
        assert secret not in said


def test_an_operator_pauses_her_clinic_and_takes_it_back(desk):
    """Rule 144: from the press on nothing goes, with who and why; the undo plans it again."""
    browser = desk.browser(Role.OPERATOR)
    said = {"what": f"clinic:{desk.lakeside.pk}", "why": "a text has a wrong number"}
    answer = browser.post("/operations", said, follow=True)
    stands = Pause.objects.get(ended_at__isnull=True)
    assert (stands.scope, stands.value, stands.why) == ("clinic", str(desk.lakeside.pk), said["why"])
    assert stands.by == f"staff:{desk.people['lakeside', Role.OPERATOR].pk}"
    assert said["why"] in answer.content.decode()
    again = browser.post("/operations", said)
    assert "paused already" in again.content.decode()
    assert "resume it first" in again.content.decode()
    Message.objects.filter(clinic=desk.lakeside, state="planned").update(state="held", reason="paused")
    browser.post(f"/operations/pauses/{stands.pk}", follow=True)
    assert not Pause.objects.filter(ended_at__isnull=True).exists()
    assert not Message.objects.filter(clinic=desk.lakeside, state="held").exists()


@pytest.mark.parametrize("scope", [PauseScope.CLINIC, PauseScope.PROTOCOL])
def test_the_other_clinic_is_out_of_reach(desk, scope):
    """P10: what is Hillside's can neither be paused, seen nor resumed at Lakeside."""
    value = str(desk.hillside.pk if scope == PauseScope.CLINIC else Protocol.objects.get(clinic=desk.hillside).pk)
    browser = desk.browser(Role.OPERATOR)
    answer = browser.post("/operations", {"what": f"{scope}:{value}", "why": "tried"})
    assert not Pause.objects.exists()
    assert "errorlist" in answer.content.decode()
    theirs = pause(scope=scope, value=value, why="hillside's own", by="tests", now=NOW)
    assert "hillside" not in browser.get("/operations").content.decode().lower().replace("hillside.example", "")
    assert browser.post(f"/operations/pauses/{theirs.pk}").status_code == 404
    assert Pause.objects.filter(ended_at__isnull=True).count() == 1


def test_the_kill_switch_is_seen_and_stays_with_the_command(desk):
    """Rule 144: a pause of everything is shown to all, and ended by `aftercare resume` alone."""
    all_of_it = pause(scope=PauseScope.ALL, value="", why="provider trouble", by="tests", now=NOW)
    browser = desk.browser(Role.OPERATOR)
    assert "provider trouble" in browser.get("/operations").content.decode()
    assert browser.post(f"/operations/pauses/{all_of_it.pk}").status_code == 404


def test_bars_keep_their_measure():
    """The highest fills the picture, the least is still seen, nothing is nothing; the limit lies where it belongs."""
    hours = [{"hour": NOW.replace(minute=0).isoformat(), "latest_seconds": 1800.0},
             {"hour": NOW.replace(hour=3, minute=0).isoformat(), "latest_seconds": 1.0}]  # fmt: skip
    chart = charts.lateness(hours, NOW, limit=900)
    assert [bar.height for bar in chart.bars if bar.height] == [2, 100]
    assert (chart.bars[-1].height, chart.bars[-1].y, chart.mark) == (100, 0, 50)
    assert charts.lateness([], NOW, limit=900).mark is None


def test_a_sender_that_its_provider_refuses_is_shown_to_its_clinic(desk):
    """P5, P10: which sender and when it is tried again; the other clinic's page says nothing of it."""
    sender = Sender.objects.get(clinic=desk.lakeside, channel="sms")
    with transaction.atomic():
        open_circuit(clinic_id=desk.lakeside.pk, channel="sms", code="20003", now=NOW)
    said = desk.browser(Role.OPERATOR).get("/operations").content.decode()
    assert "Refused by the provider" in said
    assert sender.identity in said
    assert "asks again at" in said
    Pause.objects.update(probe=Message.objects.filter(clinic=desk.lakeside).first().pk, probed_at=NOW)
    assert "is asking now" in desk.browser(Role.OPERATOR).get("/operations").content.decode()
    assert sender.identity not in desk.browser(Role.OPERATOR, "hillside").get("/operations").content.decode()


def test_the_page_asks_few_questions(desk):
    """P5: it is looked at while the database has trouble; what is counted, is counted in one question."""
    browser = desk.browser(Role.OPERATOR)
    browser.get("/operations")
    with CaptureQueriesContext(connection) as asked:
        browser.get("/operations")
    assert len(asked) <= 18
