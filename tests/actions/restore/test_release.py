"""A release: only of what was compared lately, and on the record, whoever gives it (P2, rule 142)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.actions import post
from tests.builders import NOW
from worker import clock
from worker.actions.restore import lineage, replay
from worker.management.arguments import operator
from worker.management.cli import main
from worker.models import Event, Lineage
from worker.models.rows import server_time
from worker.rules.refusal import Refusals


@pytest.fixture
def alice(house):
    """Alice, by SMS alone, her opt-in confirmation accepted."""
    return post.alice_confirmed()


@pytest.fixture
def compared(monkeypatch):
    """Every list is read to its end and shows nothing."""
    monkeypatch.setattr(replay, "_inbound", lambda now: (0, 0))
    monkeypatch.setattr(replay.outbound, "accounts", list)


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Do something as a committed transaction does it."""

    def do(work):
        with django_capture_on_commit_callbacks(execute=True):
            return work()

    return do


def said(kind):
    """Who did so, and how, by the record of each clinic."""
    return set(Event.objects.filter(kind=kind).values_list("actor", "code", "subject"))


@pytest.mark.usefixtures("compared", "alice")
def test_each_step_is_on_the_record_of_every_clinic(house):
    """Rule 142: declared, compared, released, by whom."""
    assert main(["restore-check", "--declare", "--by", "Kim"]) == 0
    assert main(["restore-check", "--release", "--by", "Charlie"]) == 0
    assert said("restore_declared") == {("Kim", "", "database")}
    assert said("restore_compared") == {("Kim", "whole", "database")}
    assert said("restore_released") == {("Charlie", "checked", "database")}
    clinics = set(Event.objects.filter(kind="restore_released").values_list("clinic_id", flat=True))
    assert {house.lakeside.pk} <= clinics


@pytest.mark.usefixtures("alice")
def test_a_release_unchecked_is_on_the_record_although_a_person_paused_everything():
    """Rule 142: no pause ends with it, and still it says who let it go on, and that nobody had compared."""
    from worker.actions.consent.hold import pause
    from worker.models.hold import PauseScope

    lineage.declare_restored(now=NOW)
    pause(scope=PauseScope.ALL, value="", why="holidays", by="Sam", now=NOW)
    replay.release(by="Kim", now=NOW, unchecked=True)
    assert said("restore_released") == {("Kim", "unchecked", "database")}


@pytest.mark.usefixtures("alice")
def test_a_restore_that_was_found_is_on_the_record(committed):
    """Rule 142: by the house itself."""
    committed(lambda: lineage.look(now=NOW))
    Lineage.objects.update(count=0)
    assert lineage.look(now=NOW)
    assert said("restore_found") == {("system", "", "database")}


@pytest.mark.usefixtures("compared", "alice")
def test_who_is_not_named_is_the_user_of_the_system():
    """Rule 142: as in the other verbs."""
    lineage.declare_restored(now=NOW)
    assert main(["restore-check"]) == 0
    assert main(["restore-check", "--release"]) == 0
    assert said("restore_released") == {(operator(), "checked", "database")}


@pytest.mark.usefixtures("compared", "alice")
def test_a_backup_of_a_database_that_was_held_and_compared_is_compared_anew(committed):
    """P2: the count goes on while it is held, so that the copy is found; it doesn't know what was said after it."""
    committed(lambda: lineage.look(now=NOW))
    committed(lambda: lineage.declare_restored(now=NOW))
    replay.replay(now=NOW)
    copy = Lineage.objects.values().get()
    for _ in range(2):  # minutes pass
        Lineage.objects.update(counted_at=server_time() - timedelta(minutes=2))
        committed(lambda: lineage.look(now=NOW))
    assert Lineage.objects.get().checked_at is not None, "the life that goes on stays compared"
    Lineage.objects.update(**copy)
    with pytest.raises(Refusals, match="was not compared"):
        committed(lambda: replay.release(by="ops", now=NOW))
    assert Lineage.objects.get().restored_at is not None


@pytest.mark.usefixtures("compared", "alice")
def test_a_comparison_outlives_the_looks_after_it(committed):
    """P12: found by its mark, compared once, released: not asked for again each time that a worker looks."""
    committed(lambda: lineage.look(now=NOW))
    Lineage.objects.update(count=0)
    assert committed(lambda: lineage.look(now=NOW))
    replay.replay(now=NOW)
    committed(lambda: lineage.look(now=NOW))
    committed(lambda: replay.release(by="ops", now=NOW))
    assert Lineage.objects.get().restored_at is None


@pytest.mark.usefixtures("alice")
def test_an_old_comparison_releases_nothing():
    """P2: it may be that of the backup, on a disk whose mark was lost."""
    lineage.declare_restored(now=NOW)
    Lineage.objects.update(checked_at=server_time() - timedelta(hours=1))
    with pytest.raises(Refusals, match="was compared more than 30 minutes ago"):
        replay.release(by="ops", now=NOW)


@pytest.mark.usefixtures("compared", "alice")
def test_a_person_says_since_when_it_was_lost(capsys):
    """P2, P4: on a new machine a worker has counted to this minute already."""
    lineage.look(now=NOW)
    since = clock.machine() - timedelta(days=2)
    assert main(["restore-check", "--declare", "--since", since.isoformat()]) == 0
    assert Lineage.objects.get().lost_since == since
    assert f"knows nothing from {since - timedelta(minutes=15):%Y-%m-%d %H:%M}" in capsys.readouterr().out
    earlier = since - timedelta(days=1)
    Lineage.objects.update(checked_at=server_time())
    lineage.declare_restored(now=NOW, since=earlier)
    lineage.declare_restored(now=NOW, since=since)
    assert (Lineage.objects.get().lost_since, Lineage.objects.get().checked_at) == (earlier, None)


@pytest.mark.usefixtures("alice")
def test_a_time_that_is_to_come_or_belongs_to_nothing_is_refused(capsys):
    """P12: with the mend, and nothing changes."""
    later = (clock.machine() + timedelta(hours=1)).isoformat()
    assert main(["restore-check", "--declare", "--since", later]) == 1
    assert "lies ahead" in capsys.readouterr().err
    assert main(["restore-check", "--declare", "--since", "1999-01-01T00:00:00+00:00"]) == 1
    assert "more than a year back" in capsys.readouterr().err
    assert main(["restore-check", "--since", (clock.machine() - timedelta(hours=1)).isoformat()]) == 1
    assert "--declare" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["restore-check", "--declare", "--since", "2027-03-08T10:00:00"])
    assert not Lineage.objects.filter(restored_at__isnull=False).exists()
