"""A STOP is answered first; what follows is done when nobody waits, and by somebody in any case (rules 19, 33)."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from tests import builders
from tests.builders import ALICES_PHONE, standing_of
from tests.processes.witness import until
from worker.models import Grant
from worker.web import obeyed


def followed_up(client):
    return standing_of(client).open_stop is None and set(
        Grant.objects.filter(client=client, standing__channel="sms").values_list("state", flat=True)
    ) == {"revoked"}


def test_the_answer_comes_first(house, provider, monkeypatch):
    """P2: stopped before the answer, followed up once the server has closed it."""
    alice = builders.alice().client
    seen = []
    finish = obeyed.finish_stops

    def watched(**how):
        row = standing_of(alice)
        seen.append((row.suppressed_why, row.open_stop is not None))
        return finish(**how)

    monkeypatch.setattr(obeyed, "finish_stops", watched)
    assert provider.text(ALICES_PHONE, "STOP").status_code == 200
    assert seen == [("keyword", True)]
    assert followed_up(alice)


def test_nothing_that_can_wait_is_begun_while_another_text_waits(house, provider):
    """One STOP of a burst leaves the rest of its work; the last one does all of it."""
    alice = builders.alice().client
    bob = builders.alice(external_id="A-2", phone=builders.BOBS_PHONE, email="second@example.com").client
    with obeyed.first():
        assert provider.text(ALICES_PHONE, "STOP").status_code == 200
        assert standing_of(alice).suppressed_at is not None
        assert not followed_up(alice)
    assert provider.text(builders.BOBS_PHONE, "STOP").status_code == 200
    assert followed_up(alice)
    assert followed_up(bob)


def test_a_database_that_goes_away_after_the_answer(house, provider, monkeypatch, caplog):
    """The answer stands; a worker's round does the rest."""

    def gone(**_how):
        raise OperationalError(f"server closed the connection {ALICES_PHONE}")

    alice = builders.alice().client
    with monkeypatch.context() as away:
        away.setattr(obeyed, "finish_stops", gone)
        assert provider.text(ALICES_PHONE, "STOP").status_code == 200
    assert "stops_left_to_a_worker" in caplog.text
    assert ALICES_PHONE not in caplog.text
    assert not followed_up(alice)
    assert provider.text(ALICES_PHONE, "STOP").status_code == 200
    assert followed_up(alice)


def at_last(client):
    """The same, looked at while the thread may write: the tests' database in memory refuses readers meanwhile."""
    try:
        return followed_up(client)
    except OperationalError:
        return False


@pytest.fixture
def tidier(committed, monkeypatch):
    """The thread that the web part's server has, beside the tests' own; rows that really commit."""
    builders.house()
    thread = obeyed._Tidier()
    monkeypatch.setattr(obeyed, "_tidier", thread)
    thread.start()
    yield thread
    thread.end()
    assert not thread.is_alive()


def test_the_line_of_the_answer_is_not_kept(tidier, provider):
    """Rule 96: a provider's next text on that line need not wait for what follows from the first."""
    alice = builders.alice().client
    with obeyed.first():  # somebody is being heard: nothing that can wait is begun
        assert provider.text(ALICES_PHONE, "STOP").status_code == 200
        assert standing_of(alice).suppressed_at is not None
        assert not followed_up(alice)
    until(lambda: at_last(alice))


def test_a_burst_without_end_does_not_put_it_off_for_ever(tidier, provider, monkeypatch):
    """Rule 22: with all workers down her clinic would otherwise not hear of it before the burst ends."""
    monkeypatch.setattr(obeyed, "PATIENCE", 0.1)
    alice = builders.alice().client
    with obeyed.first():
        assert provider.text(ALICES_PHONE, "STOP").status_code == 200
        until(lambda: at_last(alice))


def test_what_fails_there_is_tried_again_after_the_next_stop(tidier, provider, monkeypatch, caplog):
    """P11: a thread that died would leave every STOP to a worker from then on."""
    finish, failed = obeyed.finish_stops, []

    def broken_once(**how):
        if not failed:
            failed.append(how)
            raise RuntimeError(ALICES_PHONE)
        return finish(**how)

    monkeypatch.setattr(obeyed, "finish_stops", broken_once)
    alice = builders.alice().client
    assert provider.text(ALICES_PHONE, "STOP").status_code == 200
    until(lambda: failed)
    assert provider.text(ALICES_PHONE, "STOP").status_code == 200
    until(lambda: at_last(alice))
    assert ALICES_PHONE not in caplog.text
