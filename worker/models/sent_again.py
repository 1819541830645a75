"""Which messages are the newest of their step: what was sent again by hand is told by its next number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat, Length, Substr

from worker.models.message import Message

if TYPE_CHECKING:
    from django.db.models import QuerySet


def not_sent_again(found: QuerySet[Message]) -> QuerySet[Message]:
    """Without those that went once more: an occasion ends with ":r" and its number, and the next one is planned.

    Asked of the unique key of occasions, so that it may stand before any limit. What has no number has no next one.
    """
    number = Concat(Value(":r"), Cast(OuterRef("resend"), CharField()))
    stem = Substr(OuterRef("occasion"), 1, Length(OuterRef("occasion")) - Length(number))
    following = Concat(stem, Value(":r"), Cast(OuterRef("resend") + 1, CharField()))
    return found.exclude(Exists(Message.objects.filter(occasion=following)))
