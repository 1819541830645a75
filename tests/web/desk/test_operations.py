"""The machine room's page: the same facts as `status`, drawn without scripts; pauses of one's own clinic alone."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.builders import NOW
from worker import clock
from worker.actions.consent.hold import pause
from worker.actions.record import pulse
from worker.actions.record.task import open_task
from worker.actions.send.circuit import open_circuit
from worker.models import Feed, Hour, Message, Pause, Protocol, Sender, Watermark
from worker.models.hold import PauseScope
from worker.models.staff import Role
from worker.reading.alarms import Facts, alarms
from worker.web.desk import charts
from worker.web.refusal_words import told

MOST_QUESTIONS = 31


def test_it_shows_what_is_late_and_who_works(desk):
    """P5: due, oldest, parts, both pictures; no name and no number of a client, and no inline style (P9)."""
    Hour.objects.create(hour=clock.now().replace(minute=0, second=0, microsecond=0), channel="sms", called=7)
    answer = desk.browser(Role.OPERATOR).get("/operations")
    said = answer.content.decode()
    assert answer.status_code == 200
    assert said.count("<svg") == 3
    assert len(re.findall("<rect x", said)) == 1
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


@pytest.mark.parametrize("why", ["...", "\u200b", "wrong\nhour", "wrong\x1bhour", "\u202eruoh"])
def test_a_reason_is_said_in_one_line(desk, why):
    """P8, P12: the same as by the command; it stands in a line of `aftercare status`."""
    answer = desk.browser(Role.OPERATOR).post("/operations", {"what": f"clinic:{desk.lakeside.pk}", "why": why})
    assert "errorlist" in answer.content.decode()
    assert not Pause.objects.exists()


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


@pytest.mark.parametrize(
    ("scope", "value", "seen"),
    [
        (PauseScope.ALL, "", "everything"),
        (PauseScope.DRAIN, "", "workers finish and begin nothing"),
        (PauseScope.CHANNEL, "sms", "a channel</span> SMS"),
        (PauseScope.CHANNEL, "email", "a channel</span> email"),
    ],
)
def test_what_pauses_everybody_is_seen_by_everybody(desk, scope, value, seen):
    """Rule 144, issue 4: a drain too, for nothing is claimed meanwhile; which channel; who gave it, why, since when."""
    pause(scope=scope, value=value, why="the relay is being moved", by="Charlie", now=NOW)
    for clinic in ("lakeside", "hillside"):
        said = " ".join(desk.browser(Role.OPERATOR, clinic).get("/operations").content.decode().split())
        assert "Nothing is paused" not in said
        for word in (seen, "the relay is being moved", "by Charlie", "since Tuesday 12 January, 10:00 am"):
            assert word in said, (clinic, word)


def test_ones_own_pauses_are_told_by_their_names(desk):
    """Issue 4, P10: clinic, protocol and sender as people call them, and the person who gave it; no key of a table."""
    protocol = Protocol.objects.get(clinic=desk.lakeside)
    sender = Sender.objects.get(clinic=desk.lakeside, channel="sms")
    owner = desk.people["lakeside", Role.OWNER]
    for scope, value in (("clinic", desk.lakeside.pk), ("protocol", protocol.pk), ("sender", sender.pk)):
        pause(scope=PauseScope(scope), value=str(value), why="w", by=f"staff:{owner.pk}", now=NOW)
    said = " ".join(desk.browser(Role.OPERATOR).get("/operations").content.decode().split())
    for word in (f"a protocol</span> {protocol.code}", f"a sender</span> {sender.identity}", "by Owner of Lakeside"):
        assert word in said, word
    assert "staff:" not in said


@pytest.mark.parametrize("by", ["staff:{pk}", "{email}", "{name}"])
def test_a_person_of_another_clinic_is_not_named(desk, by):
    """P10: she may pause everything by command, and everybody sees that it is paused; but not who works elsewhere."""
    theirs = desk.people["hillside", Role.OWNER]
    who = by.format(pk=theirs.pk, email=theirs.email.upper(), name=theirs.name)
    pause(scope=PauseScope.ALL, value="", why="provider trouble", by=who, now=NOW)
    said = desk.browser(Role.OWNER).get("/operations").content.decode()
    assert "by somebody of another clinic" in said
    assert who not in said
    assert theirs.name not in said


def test_what_a_machine_paused_is_told_as_such(desk):
    """Rule 144: a circuit and a restore are nobody, and end by themselves or with the release."""
    sender = Sender.objects.get(clinic=desk.lakeside, channel="sms")
    for scope, value, by in (("sender", str(sender.pk), "circuit"), ("all", "", "system")):
        Pause.objects.create(scope=scope, value=value, why="w", by=by, since=NOW)
    said = desk.browser(Role.OPERATOR).get("/operations").content.decode()
    assert "by the provider&#x27;s refusal" in said
    assert "by the restore of a backup" in said


def test_lists_and_calendars_are_ones_own(desk, settings):
    """P10, issue 4: what is behind or silent at Lakeside stands on its page, and not on Hillside's; nor the reverse."""
    settings.TWILIO_ACCOUNT_SID = "ACours"
    for clinic, account in ((desk.lakeside, "AClake"), (desk.hillside, "AChill")):
        sender = Sender.objects.get(clinic=clinic, channel="sms")
        Sender.objects.filter(pk=sender.pk).update(account_sid=account)
        for name in (f"sender:{sender.pk}", account):
            Watermark.objects.create(name=f"inbound:{name}", read_to=NOW - timedelta(hours=9), failures=4, code="20003")
        Feed.objects.create(clinic=clinic, source=f"book-{clinic.slug}", heard_at=NOW - timedelta(days=2))
    Watermark.objects.create(name="inbound:ACours", read_to=NOW)
    for clinic, account, other in (("lakeside", "AClake", "AChill"), ("hillside", "AChill", "AClake")):
        said = desk.browser(Role.OPERATOR, clinic).get("/operations").content.decode()
        assert said.count("inbound:") == 2
        assert f"inbound:{account}" in said
        assert other not in said
        assert said.count("book-") == 1
        assert f"book-{clinic}" in said


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.OWNER])
def test_a_channel_of_ones_own_clinic_is_paused_and_resumed(desk, role):
    """Rule 144, issue 4: her clinic's texts alone; mail goes on, and so does Hillside."""
    browser = desk.browser(role)
    said = {"what": "channel:sms", "why": "a text has a wrong number"}
    answer = browser.post("/operations", said, follow=True)
    stands = Pause.objects.get(ended_at__isnull=True)
    sender = Sender.objects.get(clinic=desk.lakeside, channel="sms")
    assert (stands.scope, stands.value, stands.why) == ("sender", str(sender.pk), said["why"])
    assert f"/operations/pauses/{stands.pk}" in answer.content.decode()
    assert "paused already" in browser.post("/operations", said).content.decode()
    browser.post(f"/operations/pauses/{stands.pk}")
    assert not Pause.objects.filter(ended_at__isnull=True).exists()


def test_a_channel_of_several_numbers_is_paused_whole(desk):
    """Rule 144: each number that texts leave from, also where one is paused already; one that is retired is let be."""
    first = Sender.objects.get(clinic=desk.lakeside, channel="sms")
    more = [Sender.objects.create(clinic=desk.lakeside, channel="sms", identity=f"+1212555018{n}", is_active=n < 2)
            for n in range(3)]  # fmt: skip
    pause(scope=PauseScope.SENDER, value=str(first.pk), why="before", by="tests", now=NOW)
    desk.browser(Role.OWNER).post("/operations", {"what": "channel:sms", "why": "now"})
    stand = dict(Pause.objects.filter(ended_at__isnull=True).values_list("value", "why"))
    assert stand == {str(first.pk): "before", str(more[0].pk): "now", str(more[1].pk): "now"}


def test_what_needs_a_person_comes_first(desk):
    """P5, issue 4: the alarms of `status` with their mends, the most pressing first, in the page's language."""
    open_task(clinic_id=desk.lakeside.pk, client_id=desk.alice.pk, kind="ledger_drift", cause="tests:drift", now=NOW)
    browser = desk.browser(Role.OPERATOR)
    said = browser.get("/operations").content.decode()
    assert 0 < said.index("the last round of a worker was never") < said.index("the provider knew 1 STOP(s)")
    assert said.index("see that worker, beat and Redis run") < said.index('id="due"')
    browser.post("/language", {"language": "es", "next": "/operations"})
    said = browser.get("/operations").content.decode()
    assert "ningún proceso ha hecho todavía una ronda" in said
    assert "el proveedor conocía 1 STOP que nosotros no" in said


def test_a_queue_without_takers_is_marked(desk, monkeypatch):
    """P5: as the command marks it, and a process that has not worked yet is told as such."""
    monkeypatch.setenv("AFTERCARE_QUEUES", "sms,tend")
    pulse.lives()
    said = desk.browser(Role.OPERATOR).get("/operations").content.decode()
    assert 'Takers of queue email</p><p><span class="tag warn">0</span>' in said
    assert "Takers of queue sms</p><p>1</p>" in said
    assert "has not worked yet" in said
    assert "nobody takes from the queue email" in said


def test_every_alarm_has_its_spanish():
    """P5, issue 6, point 8: what is raised and how it is mended; no sentence is kept that no alarm says."""
    bad = Facts(
        oldest_due={"sms": 1000.0, "email": 1000.0}, taken_ago={"sms": 1000.0, "email": 0.0}, circuits=1,
        tended_ago=None, undecided=1000.0, unknown=1, unknown_oldest=9000.0, unresolved=1, receipts_missing=9000.0,
        unconfirmed=1, drift=1, rang_twice=1, red_flags_late=1, lists_behind=1000.0, restored_ago=1.0,
        workers=0, unserved=("sms", "email", "tend"), redis_away=True, kept={"attempt": 9e6},
    )  # fmt: skip
    raised = [*alarms(bad), *alarms(replace(bad, tended_ago=1000.0, workers=1, unserved=("email",)))]
    words = {said for each in raised for said in (each.says, each.mend)}
    assert len({each.code for each in raised}) == 17
    assert [each for each in words if told(each, "es") == each] == []
    kept = tomllib.loads((settings.TEMPLATES_DIR / "locale/es/refusals.toml").read_text(encoding="utf-8"))["alarms"]
    shapes = [re.escape(each).replace(re.escape("{}"), ".+") for each in kept]
    assert [each for each in shapes if not any(re.fullmatch(each, said) for said in words)] == []


def test_the_days_picture_can_be_read(desk):
    """Issue 4, WCAG 1.1.1: what each hour was meant to bring and what went, drawn and said; no inline style."""
    now = clock.now().replace(minute=30)
    clock.step_to(now)
    Message.objects.filter(clinic=desk.lakeside).update(due_at=now + timedelta(hours=1))
    one = Message.objects.filter(clinic=desk.lakeside, channel="sms").first()
    Message.objects.filter(pk=one.pk).update(due_at=now - timedelta(hours=1), state="delivered")
    Message.objects.filter(clinic=desk.hillside).update(due_at=now - timedelta(hours=1))
    said = " ".join(desk.browser(Role.OPERATOR).get("/operations").content.decode().split())
    assert "<title>9:00 am: 1 of 1 went</title>" in said
    assert 'class="meant"' in said
    assert "style=" not in said


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
    assert len(asked) <= MOST_QUESTIONS
