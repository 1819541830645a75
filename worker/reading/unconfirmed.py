"""Texts that a provider took and whose carrier never said more: reported, never sent again (rule 88)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from worker.models import Message
from worker.rules.names import Channel
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

UNCONFIRMED = timedelta(days=3)  # many carriers never confirm


def unconfirmed(*, now: datetime, for_at_least: timedelta = UNCONFIRMED) -> QuerySet[Message]:
    """Those accepted so long ago (calendar) and still without a final receipt."""
    return Message.objects.filter(channel=Channel.SMS, state=State.ACCEPTED, sent_at__lte=now - for_at_least)
