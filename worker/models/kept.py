"""What was said, and until when it is kept: each column that is emptied when its time is over (rules 42, 66).

Each has an index on its moment, over the rows that still hold something: what is past its time stands at its head,
however many rows are younger, and however many were emptied before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Q

from worker.models.attempt import Attempt, Receipt
from worker.models.conversation import CheckinAnswer, StaffWords
from worker.models.inbound import Inbound
from worker.models.message import Message
from worker.rules.states import OPEN
from worker.rules.words import Word

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import Model, QuerySet

DAYS = 90


class Kept(NamedTuple):
    """One column; `client` is the way to whom it is about, where it goes at once when she is erased."""

    name: str
    model: type[Model]
    column: str
    moment: str
    only: Q = Q()
    client: str = ""

    def __str__(self) -> str:
        return self.name

    @property
    def filled(self) -> QuerySet[Model]:
        """The rows that hold something."""
        rows: QuerySet[Model] = self.model._default_manager.filter(**{f"{self.column}__isnull": False})  # noqa: SLF001 - Django documents it as public
        return rows

    def past(self, before: datetime) -> QuerySet[Model]:
        """Those that are older than `before` (calendar) and may go, the oldest first."""
        return self.filled.filter(self.only, **{f"{self.moment}__lt": before}).order_by(self.moment)

    def emptied(self, keys: list[object]) -> int:
        """Empty these rows; how many."""
        return self.model._default_manager.filter(pk__in=keys).update(**{self.column: None})  # noqa: SLF001


KEPT = (
    Kept("staff.words", StaffWords, "words_sealed", "written_at", ~Q(message__state__in=OPEN)),
    Kept("checkin.answers", CheckinAnswer, "answers_sealed", "answered_at"),
    Kept("attempt.body", Attempt, "body_sealed", "decided_at", client="message__client"),
    Kept("receipt.raw", Receipt, "raw_sealed", "received_at", client="attempt__message__client"),
    Kept("inbound.body", Inbound, "body_sealed", "received_at"),
    Kept("inbound.follow_up", Inbound, "follow_up_sealed", "received_at", Q(word=Word.START)),
    Kept("message.address", Message, "address_sealed", "created_at", ~Q(state__in=OPEN)),
)
