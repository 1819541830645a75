"""A spool that is away, younger than the loss, or unreadable is no empty one: stops may lie in it (P2)."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import pytest

from tests import builders
from tests.builders import NOW
from worker import clock
from worker.actions.restore import coverage, lineage, replay, spool, stopped
from worker.management.cli import main
from worker.models import Contact, Event, Lineage
from worker.models.rows import server_time
from worker.rules.names import Channel
from worker.rules.refusal import Refusals


@pytest.fixture
def alice(house, monkeypatch):
    """Alice, found restored; every list of the provider's is read to its end and shows nothing."""
    monkeypatch.setattr(replay, "_inbound", lambda now: (0, 0))
    monkeypatch.setattr(replay.outbound, "accounts", list)
    client = builders.alice().client
    lineage.declare_restored(now=NOW)
    return client


def gone():
    shutil.rmtree(spool.folder())


def young():
    gone()
    coverage.begin(server_time() + timedelta(minutes=1))


def forgotten():
    Lineage.objects.update(lost_since=server_time() - spool.KEPT - timedelta(days=1))


def of_no_known_age():
    (spool.folder() / coverage.BEGAN).unlink()


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("how", [gone, young, forgotten, of_no_known_age])
def test_what_does_not_cover_the_lost_time_counts_as_unread(how, capsys):
    """P2: said, and nothing is released but --unchecked."""
    how()
    assert main(["restore-check"]) == 1
    assert "NOT READ" in capsys.readouterr().out
    assert Lineage.objects.get().checked_at is None
    assert set(Event.objects.filter(kind="restore_compared").values_list("code", flat=True)) == {"in_part"}
    with pytest.raises(Refusals, match="was not compared"):
        replay.release(by="ops", now=NOW)
    replay.release(by="ops", now=NOW, unchecked=True)


@pytest.mark.usefixtures("alice")
def test_an_empty_spool_that_was_there_all_the_time_is_read():
    """P2: nobody clicked."""
    found = replay.replay(now=NOW)
    assert (found.spool_unread, found.stops) == ("", 0)
    assert Lineage.objects.get().checked_at is not None


def test_a_disk_is_new_once(django_capture_on_commit_callbacks):
    """P2: the first look writes down since when stops are kept, and no later one moves it; nor days that lie there."""
    gone()
    with django_capture_on_commit_callbacks(execute=True):
        lineage.look(now=NOW)
    began = (spool.folder() / coverage.BEGAN).read_text()
    coverage.begin(clock.machine() + timedelta(days=1))
    assert (spool.folder() / coverage.BEGAN).read_text() == began


test_a_disk_is_new_once = pytest.mark.django_db(test_a_disk_is_new_once)


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("spoiled", ["a day", "the folder", "its age"])
def test_an_unreadable_spool_is_refused_by_name(spoiled, capsys):
    """P12: a line with the file and the mend, no stack; nothing is concluded from it."""
    day = spool.folder() / f"{clock.machine():%Y-%m-%d}.jsonl"
    if spoiled == "a day":
        day.mkdir()
    elif spoiled == "its age":
        (spool.folder() / coverage.BEGAN).unlink()
        (spool.folder() / coverage.BEGAN).mkdir()
    else:
        gone()
        spool.folder().write_text("")
    assert main(["restore-check"]) == 1
    err = capsys.readouterr().err
    assert str({"a day": day, "the folder": spool.folder(), "its age": spool.folder() / coverage.BEGAN}[spoiled]) in err
    assert "--unchecked" in err
    assert "Traceback" not in err
    assert Lineage.objects.get().checked_at is None


def kept(client, at, **more):
    """A line of the spool: she left the mails by one click."""
    links = list(Contact.objects.filter(client=client, channel=Channel.EMAIL).values_list("link_key", flat=True))
    line = {
        "kept_at": at.isoformat(), "received_at": NOW.isoformat(), "channel": "email", "reason": "link",
        "method": "one_click", "links": links, "purposes": [], **more,
    }  # fmt: skip
    with (spool.folder() / f"{at:%Y-%m-%d}.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


@pytest.mark.parametrize(("early", "obeyed"), [(5, 1), (14 * 60, 1), (16 * 60, 0)])
def test_a_stop_that_a_slow_clock_kept_is_obeyed(alice, early, obeyed):
    """P2: the web host's clock is not the database's; texts are read with the same margin."""
    since = server_time()
    kept(alice, since - timedelta(seconds=early))
    assert stopped.obey(since=since, now=NOW).obeyed == obeyed


@pytest.mark.parametrize("purposes", [[], ["reminders"]])
def test_what_the_backup_knows_is_not_obeyed_twice_over_a_later_yes(alice, purposes):
    """P2: the margin reaches into what the backup knows: a stop in it, and the yes that came after, both hold."""
    since = server_time()
    kept(alice, since - timedelta(minutes=5), purposes=purposes)
    assert stopped.obey(since=since, now=NOW).obeyed == 1
    before = Event.objects.filter(kind="revoked").count()
    from worker.models import Grant, Suppression

    Suppression.objects.update(lifted_at=NOW, lifted_by="client")
    Grant.objects.update(state="active")
    again = stopped.obey(since=since, now=NOW)
    assert (again.obeyed, again.known) == (0, 1)
    assert Event.objects.filter(kind="revoked").count() == before
