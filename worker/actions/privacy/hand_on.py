"""What was said on a shared phone stays before staff for those who remain there, when one of them is erased (P5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.actions.clients.enrol import say_if_held
from worker.actions.consent.twins import twins_of
from worker.models import Client, Contact, Conversation, StaffTask

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import QuerySet

    from worker.models import Standing


def hand_on(client: Client, rows: Iterable[Standing], *, now: datetime) -> int | None:
    """Her open conversation, with its clock and its tasks, goes to who shares that address; the id of that client.

    None where nobody shares it. A reply on a shared phone may be anyone's: closed with her, a warning sign of the
    other would be answered by nobody. Her words are gone before this; the caller holds the locks of `rows`. An
    address that stays on hold with no conversation left is put before staff for each who remains.
    """
    heir = _hand_on(client)
    hers = set(Contact.objects.filter(client=client, valid_to__isnull=True).values_list("standing_id", flat=True))
    for row in (row for row in rows if row.pk in hers and row.held_at is not None):
        address = _rows_of(row.pk)
        others = _remaining(address, client)
        if not Conversation.objects.filter(client__in=others, standing__in=address, closed_at__isnull=True).exists():
            for other in others:
                say_if_held(other, row, now)
    return heir


def _hand_on(client: Client) -> int | None:
    talk = _open(client)
    heir = None
    if talk is not None and talk.standing_id is not None:
        heir = _remaining(_rows_of(talk.standing_id), client).first()
    if talk is None or heir is None:
        return None
    kept = _open(heir)
    if kept is None:  # at most one is open for each client
        kept, talk.client = talk, heir
        talk.save(update_fields=["client"])
    else:
        _join(kept, talk)
    for task in StaffTask.objects.filter(client=client, facts__conversation=talk.pk, done_at__isnull=True):
        task.client, task.facts = heir, task.facts | {"conversation": kept.pk}
        task.save(update_fields=["client", "facts"])
    return heir.pk


def _join(kept: Conversation, ending: Conversation) -> None:
    """One who remains has a conversation of her own: it takes over what the other waits for, the earlier clock."""
    kept.heard_at, kept.holds = max(kept.heard_at, ending.heard_at), kept.holds or ending.holds
    runs, hers = _clock(kept), _clock(ending)
    if hers is not None and (runs is None or hers < runs):
        kept.red_at, kept.answer_by = ending.red_at, ending.answer_by
        kept.remind_at, kept.reminded = ending.remind_at, ending.reminded
        kept.answered_at = kept.answered_by = None
    kept.save()


def _clock(talk: Conversation) -> datetime | None:
    return talk.answer_by if talk.answered_at is None else None


def _open(client: Client) -> Conversation | None:
    found = Conversation.objects.filter(client=client, closed_at__isnull=True)
    return found.select_for_update(no_key=True).first()


def _rows_of(standing_id: int) -> list[int]:
    """All rows of that address: who shares her phone may be on its other row."""
    return [standing_id, *twins_of([standing_id])]


def _remaining(address: list[int], client: Client) -> QuerySet[Client]:
    """Who else has that address today, the first of them first."""
    there = Client.objects.filter(contacts__standing__in=address, contacts__valid_to__isnull=True)
    return there.filter(erased_at__isnull=True).exclude(pk=client.pk).order_by("pk").distinct()
