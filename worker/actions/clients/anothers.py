"""An address that another client has: enrolled a second time under another id, she would get every text twice (P4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.models import Contact
from worker.rules.names import Channel
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from worker.models import Standing

FIELDS = {Channel.SMS: "phone", Channel.EMAIL: "email"}


def refuse_anothers(found: Mapping[Channel, Sequence[Standing]], *, external_id: str) -> None:
    """Raise Refusals for a phone or mailbox that a client with another external_id has today (rule 134).

    `found` are all rows of each address, for she may be on any. It may be her daughter's: a person decides that at the
    desk, where the question is asked.
    """
    mend = "open her page and add the session there; enrol another person with this address at the desk"
    taken = [
        Refusal(FIELDS[channel], "is another client's already", mend)
        for channel, rows in found.items()
        if _has_another(rows, external_id)
    ]
    if taken:
        raise Refusals(taken)


def _has_another(rows: Sequence[Standing], external_id: str) -> bool:
    current = Contact.objects.filter(standing__in=rows, valid_to__isnull=True, client__erased_at__isnull=True)
    return current.exclude(client__external_id=external_id).exists()
