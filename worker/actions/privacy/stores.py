"""Where personal data lies: which rows are one client's; every sealed column is in worker/models/sealed_columns.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Q

from worker.actions.consent.twins import twins_of
from worker.models import (
    Attempt,
    CheckinAnswer,
    Client,
    ConsentEvent,
    Contact,
    Evidence,
    ImportRow,
    Inbound,
    Message,
    Receipt,
    StaffWords,
)

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet


class Hers(NamedTuple):
    """The rows of one client, and what was written from and to her addresses while no client of ours was known there.

    A reply belongs to an address, not to a person: on a shared phone nobody can tell whose it was. For erasure it is
    hers (nothing of her may stay); `others` says how many clients share an address with her.
    """

    client_id: int
    spans: tuple[tuple[int, datetime | None], ...]  # standing id, until when that address was hers

    @property
    def messages(self) -> QuerySet[Message]:
        """Her messages, and answers to her addresses from before she was enrolled."""
        unknown = Q(client__isnull=True) & self._within("created_at")
        return Message.objects.filter(Q(client_id=self.client_id) | unknown)

    @property
    def attempts(self) -> QuerySet[Attempt]:
        """Every call that was made for those messages."""
        return Attempt.objects.filter(message__in=self.messages)

    @property
    def receipts(self) -> QuerySet[Receipt]:
        """What came back about those calls."""
        return Receipt.objects.filter(attempt__message__in=self.messages)

    @property
    def replies(self) -> QuerySet[Inbound]:
        """What was written to us from her addresses while they were hers."""
        return Inbound.objects.filter(self._within("received_at"))

    @property
    def staff_words(self) -> QuerySet[StaffWords]:
        """What people of the clinic wrote to her by hand."""
        return StaffWords.objects.filter(message__in=self.messages)

    @property
    def checkins(self) -> QuerySet[CheckinAnswer]:
        """What she tapped on her care page."""
        return CheckinAnswer.objects.filter(client_id=self.client_id)

    @property
    def import_rows(self) -> QuerySet[ImportRow]:
        """The lines of files by which she came."""
        return ImportRow.objects.filter(client_id=self.client_id)

    @property
    def evidence(self) -> QuerySet[Evidence]:
        """The personal side of her consents, and of a stop from her addresses that named no client."""
        own = ConsentEvent.objects.filter(client_id=self.client_id).values("pk")
        unknown = ConsentEvent.objects.filter(self._within("recorded_at"), client_id__isnull=True).values("pk")
        return Evidence.objects.filter(Q(event__in=own) | Q(event__in=unknown))

    @property
    def others(self) -> int:
        """How many clients share an address with her today."""
        ids = [standing_id for standing_id, _ in self.spans]
        sharing = Contact.objects.filter(standing_id__in=ids, valid_to__isnull=True).exclude(client_id=self.client_id)
        return sharing.values("client_id").distinct().count()

    def _within(self, moment: str) -> Q:
        found = Q(pk__in=[])  # without an address: nothing, where an empty Q would mean everything
        for standing_id, until in self.spans:
            span = Q(standing_id=standing_id)
            found |= span & Q(**{f"{moment}__lte": until}) if until else span
        return found


def hers(client: Client) -> Hers:
    """Which rows are this client's, by every address she ever had."""
    spans = Contact.objects.filter(client=client).order_by("pk").values_list("standing_id", "valid_to")
    # What her phone said may stand at its other row: left out, it would outlive her erasure.
    return Hers(client.pk, tuple((row, until) for pk, until in spans for row in (pk, *twins_of([pk]))))
