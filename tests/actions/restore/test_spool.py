"""Stops that no provider lists are kept beside the heads, naming nobody, and obeyed after a restore (P2, P9)."""

from __future__ import annotations

import errno
import json
from datetime import timedelta

import pytest
from django.db import transaction

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW, OKAFOR
from worker import clock
from worker.actions.consent import preferences
from worker.actions.consent.unsubscribe import unsubscribe
from worker.actions.mail.report import mail_complained
from worker.actions.privacy.erase import erase
from worker.actions.restore import spool, stopped
from worker.models import Contact, Event, Message, Suppression
from worker.rules.names import Channel, Purpose
from worker.rules.states import OPEN

LONG_AGO = NOW - timedelta(days=20_000)


@pytest.fixture(autouse=True)
def heads(tmp_path, settings):
    """A disk of its own for the heads, and for what lies beside them."""
    settings.HEADS_FILE = str(tmp_path / "heads.jsonl")
    return tmp_path


@pytest.fixture
def alice(house):
    """Alice, who agreed to both by both ways."""
    return builders.alice().client


@pytest.fixture
def said(django_capture_on_commit_callbacks):
    """Do something as a committed transaction does it."""

    def do(work):
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            return work()

    return do


def link(client, channel="email"):
    return Contact.objects.get(client=client, channel=channel)


def lines():
    return [json.loads(text) for file in spool.folder().glob("*.jsonl") for text in file.read_text().splitlines()]


def in_a_life_that_is_lost(work):
    """It happened, was answered and was spooled; the database that is put back knows nothing of it."""
    with transaction.atomic():
        work()
        kept = [entry[1] for entry in transaction.get_connection().run_on_commit]
        transaction.set_rollback(True)
    for each in kept:
        each()


def open_mails(client):
    return Message.objects.filter(client=client, channel="email", cls="course", state__in=OPEN).count()


WAYS = {
    "one click": lambda client: unsubscribe(link_key=link(client).link_key, method="one_click", now=NOW),
    "spam": lambda client: mail_complained(
        standing_id=link(client).standing_id, method="complaint", source="attempt:1", now=NOW
    ),
    "everything": lambda client: preferences.end_everything(contact=link(client), now=NOW),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_the_backup_does_not_know_is_obeyed_again(alice, way):
    """P2: by click, by complaint, on the page: nothing more by mail, once however often it is replayed."""
    in_a_life_that_is_lost(lambda: WAYS[way](alice))
    assert open_mails(alice) > 0
    assert not Suppression.objects.exists()
    found = stopped.obey(since=LONG_AGO, now=NOW)
    assert found.obeyed == len(lines()) >= 1
    assert open_mails(alice) == 0
    assert {each.source for each in Suppression.objects.all()} == {"spool"}
    assert Event.objects.filter(kind="revoked").count() == found.obeyed
    again = stopped.obey(since=LONG_AGO, now=NOW)
    assert (again.obeyed, again.known) == (0, found.obeyed)


def test_one_purpose_that_was_ended_stays_the_only_one(alice):
    """P2, rule 64: less than everything comes back as less than everything."""
    end = {"channel": Channel.EMAIL, "purpose": Purpose.REMINDERS, "now": NOW}
    in_a_life_that_is_lost(lambda: preferences.end_purpose(contact=link(alice), **end))
    assert stopped.obey(since=LONG_AGO, now=NOW).obeyed == 1
    assert not Suppression.objects.exists()
    assert open_mails(alice) > 0
    assert not Message.objects.filter(client=alice, channel="email", purpose="reminders", state__in=OPEN).exists()
    assert stopped.obey(since=LONG_AGO, now=NOW).obeyed == 0


def test_who_was_erased_hears_nothing_more_and_is_named_to_be_erased_again(alice):
    """P2, rule 62: the backup brings her back, with what she agreed to; both channels end, and her id is told."""
    in_a_life_that_is_lost(lambda: erase(client_id=alice.pk, by=OKAFOR, now=NOW))
    assert open_mails(alice) > 0
    found = stopped.obey(since=LONG_AGO, now=NOW)
    assert found.obeyed == len(lines()) == 2
    assert found.erased == [alice.pk]
    assert not Message.objects.filter(client=alice, cls="course", state__in=OPEN).exists()
    assert not Suppression.objects.exists(), "a new yes still counts"
    assert "alice" not in str(lines()).lower()
    assert stopped.obey(since=LONG_AGO, now=NOW).erased == [alice.pk]
    erase(client_id=alice.pk, by=OKAFOR, now=NOW)
    assert stopped.obey(since=LONG_AGO, now=NOW).erased == []


def test_a_line_names_nobody(alice, said):
    """P9: random numbers, a reason and two times; no address, no name, no number of a client."""
    said(lambda: unsubscribe(link_key=link(alice).link_key, method="one_click", now=NOW))
    (line,) = lines()
    assert line["links"] == [link(alice).link_key]
    assert set(line) == {"kept_at", "received_at", "channel", "reason", "method", "links", "purposes"}
    assert "alice" not in str(line).lower()
    assert (next(spool.folder().glob("*.jsonl")).stat().st_mode & 0o777) == 0o600


def test_a_stop_by_text_costs_no_disk(house, said):
    """P2: the provider lists it; the webhook's answer waits for nothing but the commit."""
    builders.alice(consents=builders.SERVICE[:2])
    said(lambda: builders.text_from(house.lakeside, ALICES_PHONE, "STOP", now=NOW))
    assert Suppression.objects.exists()
    assert lines() == []


def test_a_disk_that_is_full_undoes_no_stop(alice, said, monkeypatch):
    """P2: it holds; the log and the record say what the spool lacks."""

    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("worker.heads.add_line", full)
    said(lambda: unsubscribe(link_key=link(alice).link_key, method="one_click", now=NOW))
    assert open_mails(alice) == 0
    unkept = Event.objects.get(kind="stop_not_spooled")
    assert (unkept.subject, unkept.code) == (f"standing:{link(alice).standing_id}", "OSError")


def test_strangers_and_torn_lines_stop_nothing(alice, said):
    """P12: whom the backup does not know is counted, what a crash cut short is passed over."""
    said(lambda: unsubscribe(link_key=link(alice).link_key, method="one_click", now=NOW))
    file = next(spool.folder().glob("*.jsonl"))
    stranger = json.dumps(json.loads(file.read_text()) | {"links": [1]})
    file.write_text(f'{stranger}\n{{"kept_at": "2027\n[]\n{file.read_text()}')
    told = stopped.obey(since=LONG_AGO, now=NOW)
    assert (told.strangers, told.known, told.obeyed) == (1, 1, 0)
    assert stopped.obey(since=clock.machine() + stopped.MARGIN + timedelta(seconds=1), now=NOW).known == 0


def test_old_days_are_forgotten(alice, said):
    """P9: after five weeks nobody is served by it any more."""
    old = spool.folder() / f"{clock.machine() - spool.KEPT - timedelta(days=2):%Y-%m-%d}.jsonl"
    young = spool.folder() / f"{clock.machine() - spool.KEPT + timedelta(days=2):%Y-%m-%d}.jsonl"
    spool.folder().mkdir(exist_ok=True)
    for file in (old, young):
        file.write_text("")
    said(lambda: unsubscribe(link_key=link(alice).link_key, method="one_click", now=NOW))
    assert (old.exists(), young.exists()) == (False, True)


def test_a_bounce_is_kept_too(house, alice, said):
    """Rule 125: an address that is no more; the mail itself may be one that the backup never wrote."""
    post.confirmed(NOW)
    post.round_of_post(NOW + timedelta(hours=1))
    from worker.actions.mail.report import mail_returned
    from worker.models import Attempt

    attempt = Attempt.objects.filter(channel="email").first()
    said(lambda: mail_returned(attempt_id=attempt.pk, code="550 5.1.1", raw={}, now=NOW + timedelta(hours=2)))
    (line,) = lines()
    assert (line["reason"], line["links"]) == ("invalid", [link(alice).link_key])
