"""Which messages may go again, and which are the newest of their step: what went again is told by its next number.

An occasion ends with ":r" and its number, without gaps; each is asked for by its whole key. By its beginning, SQLite
would read every message that there ever was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat, Length, Substr

from worker.models.message import Message
from worker.rules.names import MessageClass
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

ENDED = frozenset({State.UNDELIVERED, State.REFUSED, State.MISSED, State.WITHHELD, State.UNRESOLVED, State.DELIVERED,
                   State.ACCEPTED})  # fmt: skip
"""Whatever may still leave by itself is not sent again by hand."""


def may_go_again(message: Message, now: datetime) -> bool:
    """True for a step of the course that has ended and is still useful at `now` (P7)."""
    return message.cls == MessageClass.COURSE and message.state in ENDED and message.expires_at > now


def not_sent_again(found: QuerySet[Message]) -> QuerySet[Message]:
    """Without those that went once more: an occasion ends with ":r" and its number, and the next one is planned.

    Asked of the unique key of occasions, so that it may stand before any limit. What has no number has no next one.
    """
    number = Concat(Value(":r"), Cast(OuterRef("resend"), CharField()))
    stem = Substr(OuterRef("occasion"), 1, Length(OuterRef("occasion")) - Length(number))
    following = Concat(stem, Value(":r"), Cast(OuterRef("resend") + 1, CharField()))
    return found.exclude(Exists(Message.objects.filter(occasion=following)))


def later_numbers(message: Message) -> list[int]:
    """The ids of a message's later numbers, in their order; none for what has no number."""
    found: list[int] = []
    while made := _numbered(message, message.resend + len(found) + 1):
        found.append(made)
    return found


def all_numbers(message: Message) -> QuerySet[Message]:
    """A message and every other number of it, the first one first."""
    keys = [key_of(message, number) for number in range(message.resend)]
    earlier = Message.objects.filter(occasion__in=keys).values_list("pk", flat=True)
    return Message.objects.filter(pk__in=[*earlier, message.pk, *later_numbers(message)]).order_by("resend", "pk")


def key_of(message: Message, number: int) -> str:
    """The occasion of another number of the same message."""
    return f"{message.occasion.rpartition(':r')[0]}:r{number}"


def _numbered(message: Message, number: int) -> int | None:
    return Message.objects.filter(occasion=key_of(message, number)).values_list("pk", flat=True).first()
