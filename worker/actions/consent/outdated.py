"""A STOP or START that we hear of late, from the provider's list: does it still mean something (rules 30, 33)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from worker.models import ConsentEvent, Grant, Inbound
from worker.models.consent import Act
from worker.models.standing import GrantState
from worker.rules.words import Word

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Standing

CLOCKS_DIFFER = timedelta(minutes=1)
STOPS = tuple(word for word in Word if word.revokes)
TAKEN_BACK = (Act.REVOKED, Act.CLOSED)
AGREED = (Act.GIVEN, Act.RESTORED)
ENDED = (GrantState.REVOKED, GrantState.EXPIRED)


def is_outdated(row: Standing, word: Word, said_at: datetime) -> bool:
    """True when the same phone said the contrary after `said_at`; what was said last counts, not what we heard last.

    The caller holds the row's lock.
    """
    if word.revokes:
        return was_answered_since(row, said_at)
    return word in (Word.START, Word.YES) and _stopped_since(row, said_at)


def _stopped_since(row: Standing, said_at: datetime) -> bool:
    ended = ConsentEvent.objects.filter(standing_id=row.pk, act__in=TAKEN_BACK, happened_at__gt=said_at)
    return ended.exists() or Inbound.objects.filter(standing=row, word__in=STOPS, received_at__gt=said_at).exists()


def was_answered_since(row: Standing, said_at: datetime) -> bool:
    """True when a START from that phone, or a fresh consent of everybody reached there, came after.

    What counts is when each was said, not when we heard of it: a consent signed at eleven is no answer to a STOP of
    noon, though it was typed in at one. A single older consent is enough for the STOP to count, for all who share the
    phone: too much silence can be mended by a call, a text after STOP can't. For the same reason a minute must lie
    between them: a list has the provider's clock, a webhook ours.
    """
    said_at += CLOCKS_DIFFER
    if Inbound.objects.filter(standing=row, word=Word.START, received_at__gt=said_at).exists():
        return True
    alive = Grant.objects.filter(standing=row).exclude(state__in=ENDED)
    agreed = [_agreed_at(grant) for grant in alive]
    return bool(agreed) and all(at is not None and at > said_at for at in agreed)


def _agreed_at(grant: Grant) -> datetime | None:
    acts = ConsentEvent.objects.filter(
        standing_id=grant.standing_id, client_id=grant.client_id, purpose=grant.purpose, act__in=AGREED
    )
    return acts.order_by("-pk").values_list("happened_at", flat=True).first()
