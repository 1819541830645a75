"""Consents that are older than an erasure of their address: they ended with it, and no file brings them back (rule 62).

What is asked is what an erasure keeps anyway: the keyed fingerprint, that a client had that address, and the day on
which she was erased. Nothing new is stored for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Max

from worker import sealed
from worker.models import Contact
from worker.rules.names import Channel
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from worker.intake.client import ConsentShape
    from worker.models import Clinic


def refuse_older(
    clinic: Clinic, addresses: Mapping[Channel, tuple[str, str, str]], given: Sequence[ConsentShape]
) -> None:
    """Raise Refusals for every yes that was given before a client with that phone or mailbox was erased.

    It is most likely hers: the same export, imported again, would write to somebody who asked to be forgotten (GDPR 17,
    P1). Her name could tell, but it is gone; so whoever has the number since, or shares it, is asked once more.
    `addresses` are each for sending, for the fingerprint and as written.
    """
    wanted = {Channel(each.channel) for each in given if each.affirmed}
    erased = _erased_at(clinic, {channel: normal for channel, (_, normal, _) in addresses.items() if channel in wanted})
    ended = [
        Refusal(
            f"consents.{index}.given_at",
            f"is older than the erasure of {at:%-d %B %Y}, which ended every consent for this address",
            "ask her anew, and write when she said yes; or enrol without a consent",
        )
        for index, each in enumerate(given)
        if each.affirmed and (at := erased.get(each.channel)) is not None and each.given_at < at
    ]
    if ended:
        raise Refusals(ended)


def _erased_at(clinic: Clinic, addresses: Mapping[Channel, str]) -> dict[str, datetime]:
    """By channel, when the last client was erased who ever had the address; one query.

    Looked for under every key: the fingerprint of an erased address stays under the one that it was made with.
    """
    digests = [
        made.digest
        for channel, normal in addresses.items()
        for made in sealed.fingerprints(clinic.pk, channel, normal)
    ]  # fmt: skip
    if not digests:
        return {}
    had = Contact.objects.filter(
        standing__clinic=clinic, standing__channel__in=list(addresses), standing__fingerprint__in=digests,
        client__erased_at__isnull=False,
    )  # fmt: skip
    return dict(had.values_list("channel").annotate(at=Max("client__erased_at")))
