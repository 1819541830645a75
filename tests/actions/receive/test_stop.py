"""A plain STOP goes a short way on PostgreSQL: it must leave exactly what the long way leaves (P2, rules 19, 33)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from tests import builders
from tests.builders import ALICES_PHONE, NOW, standing_of
from worker import sealed
from worker.actions.receive import sms
from worker.actions.receive.follow_up import CONTEXT, finish_stops
from worker.actions.receive.reply import Reply
from worker.actions.receive.sms import take
from worker.models import Inbound, Message, Standing, Suppression

DUE = NOW + timedelta(hours=1)
SHORT = connection.vendor == "postgresql"
WORDS = ("STOP", "stop texting me please", "wrong number", "cancel", "Arrêtez", "STOP 12345")


@pytest.fixture
def ways(monkeypatch):
    """Which way each text went."""
    gone = []
    short = sms.stop_at_once

    def watched(*arguments, **more):
        gone.append(short(*arguments, **more))
        return gone[-1]

    monkeypatch.setattr(sms, "stop_at_once", watched)
    return gone


def said(house, body, sid="SM1", *, phone=ALICES_PHONE, now=DUE, **more):
    given = {"opt_out_type": "", "provider_answers": False} | more
    return take(Reply(clinic_id=house.lakeside.pk, provider_id=sid, address=phone, body=body, **given), now=now)


def left(row):
    """What the text left behind, opened; without numbers."""
    text = Inbound.objects.get(standing=row)
    row = Standing.objects.get(pk=row.pk)
    return {
        "standing": (row.suppressed_at, row.suppressed_why, row.changed_at, row.open_stop == text.pk, row.held_at),
        "text": (text.clinic_id, text.channel, text.provider_id, text.word, text.received_at),
        "body": sealed.unseal(text.body_sealed, "inbound.body"),
        "asked": sealed.unseal_json(text.follow_up_sealed, CONTEXT),
    }


@pytest.mark.parametrize("answers", [False, True], ids=["we-answer", "provider-answers"])
@pytest.mark.parametrize("body", WORDS)
def test_the_short_way_leaves_what_the_long_way_leaves(house, ways, monkeypatch, body, answers):
    """P2: row for row the same, whatever the words and whoever confirms (rule 23); SQLite has the long way alone."""
    row = standing_of(builders.alice().client)
    said(house, body, provider_answers=answers)
    short = left(row)
    Standing.objects.filter(pk=row.pk).update(
        suppressed_at=None, suppressed_why=None, changed_at=row.changed_at, open_stop=None
    )
    Inbound.objects.all().delete()
    monkeypatch.setattr(sms, "stop_at_once", lambda *_, **__: False)
    said(house, body, provider_answers=answers)
    assert short == left(row)
    assert ways == [SHORT]


def test_what_is_less_plain_goes_the_long_way(house, ways):
    """An unknown phone is kept, a second text is kept, all contact means mailboxes too (rules 25, 34, 97)."""
    builders.alice()
    said(house, "STOP", "SM1", phone="+12125550999")
    said(house, "stop all contact", "SM2")
    said(house, "STOP", "SM3", now=DUE + timedelta(minutes=1))
    said(house, "STOP", "SM3", now=DUE + timedelta(minutes=2))
    said(house, "hello", "SM4")
    assert not any(ways)
    assert Standing.objects.filter(suppressed_at__isnull=False).count() == 3
    assert Inbound.objects.count() == 4


def test_who_is_stopped_already_stays_stopped_since_then(house, ways):
    """P2, rule 22: a second STOP is kept, moves nothing, and is no cause of a second confirmation."""
    row = standing_of(builders.alice().client)
    for sid, later in (("SM1", 0), ("SM2", 1), ("SM3", 2)):
        said(house, "STOP", sid, now=DUE + timedelta(days=later))
        finish_stops(now=DUE + timedelta(days=later))
    row.refresh_from_db()
    assert row.suppressed_at == DUE
    assert Inbound.objects.count() == 3
    assert Message.objects.filter(standing=row, kind="stop_confirmation").count() == 1
    assert ways == [SHORT, False, False]


def test_the_same_text_twice_stops_once(house, ways):
    """P4, rule 97: the webhook comes again after START has undone the first; what it says is old."""
    row = standing_of(builders.alice().client)
    said(house, "STOP", "SM1")
    finish_stops(now=DUE)
    Standing.objects.filter(pk=row.pk).update(suppressed_at=None, suppressed_why=None)
    said(house, "STOP", "SM1", now=DUE + timedelta(minutes=1))
    row.refresh_from_db()
    assert (row.suppressed_at, row.open_stop) == (None, None)
    assert (Inbound.objects.count(), Suppression.objects.count()) == (1, 1)
    assert ways == [SHORT, False]


def test_it_is_confirmed_once_afterwards(house, ways):
    """Rule 22: what follows is the same, however it was obeyed."""
    row = standing_of(builders.alice().client)
    said(house, "STOP")
    assert finish_stops(now=DUE) == 1
    assert Message.objects.filter(standing=row, kind="stop_confirmation").count() == 1
    assert ways == [SHORT]
