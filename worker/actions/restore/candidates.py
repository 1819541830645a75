"""Which messages may have left in the lost time without our knowing: those that were of use in it (P4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from worker.actions.restore.doubted import MAY_HAVE_GONE
from worker.models import Attempt, Contact, Message
from worker.models.attempt import AttemptState
from worker.models.sent_again import not_sent_again
from worker.rules.names import Channel, MessageClass
from worker.rules.states import OPEN, State

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.db.models import QuerySet

ENDED = (State.REFUSED, State.UNDELIVERED, State.MISSED)
"""What a person, or a replay, may have sent once more."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The time of which the database knows nothing, in calendar time."""

    since: datetime
    until: datetime


def open_messages(channel: Channel, lost: Lost) -> QuerySet[Message]:
    """Open, due, and of use in the lost time.

    What was late already when the backup was made is among them: an outage that ended since has let it go.
    """
    return _useful(Message.objects.filter(channel=channel, state__in=OPEN), lost)


def withheld(lost: Lost) -> QuerySet[Message]:
    """Texts that an earlier part of the list made doubtful: a later part may show them."""
    return _useful(
        Message.objects.filter(channel=Channel.SMS, state=State.WITHHELD, reason=MAY_HAVE_GONE), lost
    )  # fmt: skip


def ended(lost: Lost) -> QuerySet[Message]:
    """Texts of the course that had ended badly, as far as they were not sent again before the backup."""
    badly = Message.objects.filter(channel=Channel.SMS, cls=MessageClass.COURSE, state__in=ENDED, client__isnull=False)
    return not_sent_again(_useful(badly, lost))


def in_doubt(lost: Lost) -> QuerySet[Attempt]:
    """Calls of texts whose end the backup does not know, or left to a person who may have sent the text again."""
    texts = Attempt.objects.filter(channel=Channel.SMS)
    unsettled = Q(state=AttemptState.UNRESOLVED, message__state=State.UNRESOLVED, message__expires_at__gt=lost.since)
    return texts.filter(Q(state__in=(AttemptState.SENDING, AttemptState.UNKNOWN)) | unsettled)


def of_addresses(found: QuerySet[Message], standings: Collection[int]) -> QuerySet[Message]:
    """Those whose own address it is, or whose client's address of today: what is sent again goes there."""
    today = Contact.objects.filter(standing__in=standings, valid_to__isnull=True).values("client")
    return found.filter(Q(standing__in=standings) | Q(client__in=today))


def _useful(found: QuerySet[Message], lost: Lost) -> QuerySet[Message]:
    return found.filter(due_at__lte=lost.until, expires_at__gt=lost.since)
