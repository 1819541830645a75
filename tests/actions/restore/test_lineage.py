"""A database that is older than its mark is found out before anything is sent, and everything is held (P4)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker import clock
from worker.actions.consent.hold import pause, resume
from worker.actions.restore import lineage, replay
from worker.actions.send.shift import shift
from worker.management.cli import main
from worker.models import Event, Lineage, Message, Pause
from worker.models.hold import PauseScope
from worker.models.rows import server_time
from worker.rules.names import Channel
from worker.rules.refusal import Refusals

DUE = NOW + timedelta(hours=1)


@pytest.fixture
def alice(house):
    """Alice, by SMS alone, her opt-in confirmation accepted."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    return client


def marked(count):
    """The file says that the database had come so far."""
    said = {"count": count, "at": clock.machine().isoformat()}
    lineage.mark_file().write_text(json.dumps(said), encoding="utf-8")


def stands():
    """Whether everything is paused."""
    return Pause.objects.filter(scope=PauseScope.ALL, ended_at__isnull=True).exists()


def test_the_first_shift_after_a_restore_sends_nothing(alice, monkeypatch):
    """P4: the worker looks before its first call: due, consented, approved, and held all the same."""
    lineage.look(now=NOW)
    marked(Lineage.objects.get().count + 1)
    monkeypatch.setattr("worker.clock.now", lambda: DUE)
    post.promote(now=DUE)
    provider = post.Provider()
    shift(channel=Channel.SMS, carrier=provider, slots=4)
    assert provider.taken == []
    assert stands()
    assert Message.objects.get(client=alice, step__code="same-day").reason == "paused"


def test_counting_goes_on_by_the_minute_and_the_file_follows(alice, django_capture_on_commit_callbacks):
    """Not each look counts; each count reaches the file."""
    with django_capture_on_commit_callbacks(execute=True):
        assert not lineage.look(now=NOW)
    first = Lineage.objects.get().count
    with django_capture_on_commit_callbacks(execute=True):
        lineage.look(now=NOW)
    assert Lineage.objects.get().count == first
    Lineage.objects.update(counted_at=clock.machine() - timedelta(minutes=2))
    with django_capture_on_commit_callbacks(execute=True):
        lineage.look(now=NOW)
    assert json.loads(lineage.mark_file().read_text())["count"] == Lineage.objects.get().count == first + 1
    assert not stands()


def test_a_clock_that_stood_an_hour_ahead_silences_no_count(alice, django_capture_on_commit_callbacks):
    """P4: what such a clock left is counted past at once, and a loss found later did not begin in the future."""
    with django_capture_on_commit_callbacks(execute=True):
        lineage.look(now=NOW)
    Lineage.objects.update(counted_at=server_time() + timedelta(hours=1))
    before = Lineage.objects.get().count
    with django_capture_on_commit_callbacks(execute=True):
        lineage.look(now=NOW)
    assert json.loads(lineage.mark_file().read_text())["count"] == Lineage.objects.get().count == before + 1
    Lineage.objects.update(counted_at=server_time() + timedelta(hours=1))
    marked(before + 9)
    assert lineage.look(now=NOW)
    assert Lineage.objects.get().lost_since <= server_time()


def test_the_count_goes_by_the_databases_clock_and_not_by_a_workers(alice, monkeypatch):
    """P4: rule 140 lets a worker's clock be wrong; what it counted must not say when the time that was lost began."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no clock of its own")
    monkeypatch.setattr("worker.clock.machine", lambda: datetime.now(UTC) + timedelta(hours=1))
    lineage.look(now=NOW)
    assert Lineage.objects.get().counted_at < datetime.now(UTC) + timedelta(minutes=30)


@pytest.mark.parametrize("garbled", ["", "{", "[]", '{"count": "many"}'])
def test_a_file_that_nobody_can_read_stops_nothing(alice, garbled):
    """P12: it is written anew; only a mark that was read proves anything."""
    lineage.look(now=NOW)
    lineage.mark_file().write_text(garbled, encoding="utf-8")
    assert not lineage.look(now=NOW)
    assert not stands()


def test_a_new_database_beside_an_old_file_is_no_restore(house):
    """Nothing in it could go twice."""
    marked(700)
    assert not lineage.look(now=NOW)
    assert Lineage.objects.get().count > 700


def test_a_pause_of_everything_that_stood_before_stays_its_own(alice):
    """Rule 144: whoever paused it before keeps that pause; it is held once, not twice."""
    pause(scope=PauseScope.ALL, value="", why="holidays", by="Sam", now=NOW)
    lineage.declare_restored(now=NOW)
    lineage.declare_restored(now=NOW)
    assert Pause.objects.filter(scope=PauseScope.ALL, ended_at__isnull=True).get().why == "holidays"


def test_a_release_does_not_end_what_a_person_paused(alice, capsys):
    """Rule 144: the operator's own kill switch outlives the release, and the verb says so."""
    pause(scope=PauseScope.ALL, value="", why="lawyer says stop", by="Sam", now=NOW)
    lineage.declare_restored(now=NOW)
    Lineage.objects.update(checked_at=server_time())
    assert main(["restore-check", "--release", "--by", "Charlie"]) == 0
    assert "Sam" in capsys.readouterr().out
    assert Lineage.objects.get().restored_at is None
    assert Pause.objects.get(scope=PauseScope.ALL, ended_at__isnull=True).by == "Sam"
    resume(scope=PauseScope.ALL, value="", by="Sam", now=NOW)
    assert not stands()


def test_a_person_may_take_the_pause_of_a_restore_over(alice):
    """Rule 144: while everything is held already, the kill switch is not refused, and no release ends it."""
    lineage.declare_restored(now=NOW)
    taken = pause(scope=PauseScope.ALL, value="", why="lawyer says stop", by="Sam", now=NOW)
    assert Pause.objects.get(ended_at__isnull=True) == taken
    assert Event.objects.filter(kind="paused", actor="Sam", subject=f"pause:{taken.pk}").exists()
    with pytest.raises(Refusals, match="is paused already"):
        pause(scope=PauseScope.ALL, value="", why="me too", by="Charlie", now=NOW)
    assert replay.release(by="Charlie", now=NOW, unchecked=True) == 0
    assert Pause.objects.get(ended_at__isnull=True).why == "lawyer says stop"


def test_a_release_leaves_the_life_before_behind(alice):
    """After it the same file proves nothing any more, and what was held is planned again."""
    lineage.look(now=NOW)
    marked(50)
    assert lineage.look(now=NOW)
    Message.objects.filter(client=alice, state="planned").update(state="held", reason="paused")
    assert replay.release(by="Sam", now=NOW, unchecked=True) >= 1
    assert not stands()
    assert Lineage.objects.get().count > 50
    marked(50)
    assert not lineage.look(now=NOW)


def test_nothing_is_released_before_it_was_compared(alice, capsys):
    """P2, P4: neither by the release nor by ending the pause; what the backup does not know would ring twice."""
    lineage.declare_restored(now=NOW)
    with pytest.raises(Refusals, match="was not compared"):
        replay.release(by="Sam", now=NOW)
    with pytest.raises(Refusals, match="restored from a backup"):
        resume(scope=PauseScope.ALL, value="", by="Sam", now=NOW)
    assert main(["restore-check", "--release"]) == 1
    assert "restore-check" in capsys.readouterr().err
    assert stands()
    assert Lineage.objects.get().restored_at is not None


def test_half_a_comparison_is_none(alice):
    """P4: nobody answers at the provider, and the database stays held."""
    lineage.declare_restored(now=NOW)
    with pytest.raises(Refusals, match="can't be read"):
        replay.replay(now=NOW)
    assert Lineage.objects.get().checked_at is None


def test_a_backup_that_was_made_between_comparison_and_release_is_compared_anew(alice):
    """P4: what was sent after that release is in no comparison."""
    lineage.declare_restored(now=NOW)
    Lineage.objects.update(checked_at=server_time())
    lineage.look(now=NOW)
    assert Lineage.objects.get().checked_at is not None, "nothing has come farther"
    marked(Lineage.objects.get().count + 1)
    lineage.look(now=NOW)
    assert Lineage.objects.get().checked_at is None
    assert stands()


def test_without_a_restore_there_is_nothing_to_check_or_release(alice, capsys):
    """P12: refused with the mend, and nothing changes."""
    with pytest.raises(Refusals, match="was not found to be restored"):
        replay.replay(now=NOW)
    assert main(["restore-check", "--release"]) == 1
    assert "is not held for a restore" in capsys.readouterr().err
    assert not stands()
