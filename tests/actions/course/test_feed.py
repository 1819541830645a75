"""A calendar that falls silent: staff are told, and nothing names its visits until it speaks again (P5, P7)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker.actions.course.feed import alarm_silent
from worker.actions.course.told import Told, tell
from worker.actions.course.visits_import import foresee, take
from worker.intake.visit import VisitFile
from worker.intake.visits_csv import read_visits
from worker.models import Appointment, Feed, Message, StaffTask
from worker.reading.feeds import feeds
from worker.rules.refusal import Refusals

HOUR = timedelta(hours=1)
VISIT = NOW + timedelta(days=36)  # the eve of the 35th is a holiday
EVE = VISIT - timedelta(hours=17)  # 17:00 in New York, when "next-session-day" is due
HEAD = "external_id,client,starts_at,status,source_version\n"


@pytest.fixture
def feed(house):
    """Lakeside's calendar, which told us of Alice's visit."""
    feed = Feed.objects.create(clinic=house.lakeside, source="cliniko", heard_at=NOW)
    alice = builders.alice().client
    said = VisitFile(client=alice.external_id, starts_at=VISIT, status="booked", source_version=1)
    tell(Told(clinic_id=house.lakeside.pk, source="cliniko", external_id="V-1", visit=said), by="key:1", now=NOW)
    for day in range(1, 34):
        post.round_of_post(NOW + timedelta(days=day), post.Provider())
    return feed


def of_the_eve():
    """The last reminder."""
    return Message.objects.get(step__code="next-session-day", channel="sms")


def test_a_silent_calendar_holds_its_reminders_until_it_speaks(feed):
    """P7: silent for 72 hours, "we expect you tomorrow" may be untrue; an hour later it speaks, and the text goes."""
    due = of_the_eve().due_at
    Feed.objects.update(heard_at=due - 72 * HOUR)
    provider = post.Provider()
    post.round_of_post(due, provider)
    assert (provider.taken, of_the_eve().state, of_the_eve().reason) == ([], "planned", "calendar_silent")
    Feed.objects.update(heard_at=due + HOUR)
    post.round_of_post(due + HOUR, provider)
    assert of_the_eve().state == "accepted"


@pytest.mark.parametrize("change", [{"heard_at": EVE - 71 * HOUR}, {"heard_at": NOW, "ended_at": NOW}])
def test_a_calendar_that_spoke_in_time_or_was_ended_holds_nothing(feed, change):
    """P5: within the clinic's limit, and where its last key was revoked, reminders go."""
    Feed.objects.update(**change)
    post.round_of_post(of_the_eve().due_at, post.Provider())
    assert of_the_eve().state == "accepted"


def test_aftercare_waits_for_no_calendar(feed):
    """P5: what names no visit is as true as before."""
    Feed.objects.update(heard_at=NOW - 1000 * HOUR)
    step = Message.objects.filter(step__code="next-session-plan")
    assert not step.filter(state="planned").exists()
    assert Message.objects.filter(treatment__isnull=False, state="accepted").count() > 3


def test_staff_are_told_once_of_each_silence(feed):
    """P5: after 24 hours; again only when it had spoken and fell silent anew."""
    assert alarm_silent(now=NOW + 23 * HOUR) == 0
    assert [alarm_silent(now=NOW + hours * HOUR) for hours in (24, 25, 90)] == [1, 0, 0]
    Feed.objects.update(heard_at=NOW + 100 * HOUR)
    assert [alarm_silent(now=NOW + hours * HOUR) for hours in (101, 124)] == [0, 1]
    assert StaffTask.objects.filter(kind="feed_silent").count() == 2


def test_status_shows_which_calendars_are_silent(feed):
    """P5: with how long, and whether reminders are held."""
    shown = [feeds(now=NOW + hours * HOUR)[0] for hours in (1, 24, 72)]
    assert [(each["alarms"], each["holds"]) for each in shown] == [(False, False), (True, False), (True, True)]


def csv(tmp_path, *lines):
    """A file of visits."""
    path = tmp_path / "visits.csv"
    path.write_text(HEAD + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_a_file_is_shown_before_it_is_taken(house, tmp_path):
    """P12: the preview says what would become of each line and changes nothing; taken twice, it is taken once."""
    alice = builders.alice().client
    lines = read_visits(
        csv(tmp_path, f"V-7,{alice.external_id},{VISIT.isoformat()},booked,2027-01-12T10:00:00Z"), "csv"
    )
    before = builders.counts()
    whose = {"clinic": house.lakeside, "source": "csv", "now": NOW}
    assert foresee(lines, **whose) == [(2, "V-7", "created")]
    assert builders.counts() == before
    assert take(lines, **whose) == [(2, "V-7", "created")]
    assert take(lines, **whose) == [(2, "V-7", "unchanged")]
    assert Appointment.objects.get(external_id="V-7").source_version == 1_799_748_000_000_000


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("V-7,A,2027-02-16T10:00:00Z,booked", "line 2 columns"),
        ("V-7,A,2027-02-16T10:00:00Z,booked,1,x", "line 2 columns"),
        ("V-7,A,tomorrow,booked,1", "line 2 starts_at"),
        ("V-7,A,2027-02-16T10:00:00Z,soon,1", "line 2 status"),
        ("V-7,A,2027-02-16T10:00:00Z,booked,", "line 2 source_version"),
        ("V-7,A,2027-02-16T10:00:00Z,booked,1.5", "line 2 source_version"),
        ("!,A,2027-02-16T10:00:00Z,booked,1", "line 2 external_id"),
    ],
)
def test_a_line_that_says_nothing_usable_is_refused_with_its_number(tmp_path, line, field):
    """P12."""
    with pytest.raises(Refusals) as refused:
        read_visits(csv(tmp_path, line), "csv")
    assert [each.field for each in refused.value.faults] == [field]


def test_a_visit_is_named_by_its_line_in_the_file(tmp_path):
    """P12: an empty line and a cell of two lines shift no number; a visit stands where it begins in an editor."""
    good = "V-7,A,2027-02-16T10:00:00Z,booked,1"
    read = read_visits(csv(tmp_path, "", good, "", f'V-8,"A\n"{good[5:]}', good), "csv")
    assert [line for line, *_ in read] == [3, 5, 7]
    with pytest.raises(Refusals) as refused:
        read_visits(csv(tmp_path, "", good, 'V-8,"A\n",tomorrow,booked,1', "", f"{good},x"), "csv")
    assert [each.field for each in refused.value.faults] == ["line 4 starts_at", "line 7 columns"]


def test_a_quote_that_is_not_closed_is_named_by_the_line_that_it_stands_in(tmp_path):
    """P12: the file ends lines later, and there is nothing to mend there."""
    good = "V-7,A,2027-02-16T10:00:00Z,booked,1"
    with pytest.raises(Refusals) as refused:
        read_visits(csv(tmp_path, "", '"V-6,A,x,booked,1', good, good), "csv")
    assert [each.field for each in refused.value.faults] == ["line 3"]


def test_one_line_that_is_refused_keeps_the_whole_file_out(house, tmp_path):
    """P12: a client nobody knows on line 3, and line 2 changes nothing either."""
    alice = builders.alice().client
    good, bad = (f"V-{n},{who},{VISIT.isoformat()},booked,1" for n, who in ((7, alice.external_id), (8, "nobody")))
    before = builders.counts()
    with pytest.raises(Refusals) as refused:
        take(read_visits(csv(tmp_path, good, bad), "csv"), clinic=house.lakeside, source="csv", now=NOW)
    assert [each.field for each in refused.value.faults] == ["line 3 client"]
    assert builders.counts() == before


def test_one_version_of_a_visit_twice_keeps_the_whole_file_out(house, tmp_path):
    """P12: two lines with the same id and version say two times; both are named, and the good line is not kept."""
    alice = builders.alice().client
    lines = [
        f"{name},{alice.external_id},{(VISIT + hours * HOUR).isoformat()},booked,1"
        for name, hours in (("V-7", 0), ("V-7", 1), ("V-8", 24))
    ]
    before = builders.counts()
    read = read_visits(csv(tmp_path, *lines), "csv")
    for act in (foresee, take):
        with pytest.raises(Refusals) as refused:
            act(read, clinic=house.lakeside, source="csv", now=NOW)
        assert [(each.field, each.problem) for each in refused.value.faults] == [
            ("line 3 external_id", "stands in line 2 as well")
        ]
    assert builders.counts() == before


def test_one_visit_of_two_clients_keeps_the_whole_file_out(house, tmp_path):
    """P12: the second line gives the first one's visit to another client, which nobody could foresee of it alone."""
    alice = builders.alice().client
    mia = builders.alice(external_id="A-2", name="Mia Moreau", phone="+12125550188", email="mia@example.com").client
    lines = [f"V-7,{who.external_id},{VISIT.isoformat()},booked,{n}" for n, who in ((1, alice), (2, mia))]
    before = builders.counts()
    read = read_visits(csv(tmp_path, *lines), "csv")
    for act in (foresee, take):
        with pytest.raises(Refusals) as refused:
            act(read, clinic=house.lakeside, source="csv", now=NOW)
        assert [each.field for each in refused.value.faults] == ["line 3 client"]
    assert builders.counts() == before


def test_a_stop_waits_for_one_visit_and_not_for_the_file(house, tmp_path):
    """P2: a visit of a file is in no larger transaction than one told alone; on SQLite all who write wait for it."""
    alice = builders.alice().client
    lines = [f"V-{n},{alice.external_id},{(VISIT + n * HOUR).isoformat()},booked,1" for n in range(3)]
    depths = []

    def watch(execute, sql, *rest):
        if sql.startswith('INSERT INTO "aftercare_appointment"'):
            depths.append(len(connection.savepoint_ids))
        return execute(sql, *rest)

    said = VisitFile(client=alice.external_id, starts_at=VISIT, status="booked", source_version=1)
    with connection.execute_wrapper(watch):
        tell(Told(clinic_id=house.lakeside.pk, source="csv", external_id="V-9", visit=said), by="command", now=NOW)
        take(read_visits(csv(tmp_path, *lines), "csv"), clinic=house.lakeside, source="csv", now=NOW)
    alone, foreseen, taken = depths[:1], depths[1:4], depths[4:]
    assert (len(foreseen), taken) == (3, alone * 3)
