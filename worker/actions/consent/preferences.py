"""What a client chooses behind her own link: less than everything, everything, or another language (P2, rule 64).

Whoever holds the link acts for its client alone. The one exception is older than this module: the address that the
link itself came to is stopped as a whole, whoever shares it (rule 134).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F

from worker import rendering
from worker.actions.consent import standing as standings
from worker.actions.consent.restore import coming_back
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import revoke_client, revoke_once
from worker.actions.consent.unsubscribe import unsubscribe
from worker.actions.receive.follow_up import follow_up
from worker.actions.record.audit import record
from worker.actions.send.claim import STRIDE
from worker.actions.send.due import LONG_AGO
from worker.models import Client, Contact, Grant, Link, Message, ProtocolVersion, Ready
from worker.models.standing import GrantState
from worker.models.suppression import SuppressionReason
from worker.rules.names import Channel, Purpose
from worker.rules.states import OPEN

if TYPE_CHECKING:
    from datetime import datetime

METHOD = "link"


@transaction.atomic
def end_purpose(*, contact: Contact, channel: Channel, purpose: Purpose, now: datetime) -> bool:
    """End one purpose on one channel of the link's client; a second time changes nothing.

    `contact` is the link's, `now` aware UTC. False, and no effect, when the link is no longer hers or she was never
    asked about that purpose there (P1: what was never given is nothing to end).
    """
    hers = _locked(contact, now)
    if channel not in hers:
        return False
    ended = hers[channel]
    grant = Grant.objects.filter(client=ended.client_id, standing=ended.standing_id, purpose=purpose).first()
    if grant is None:
        return False
    # Her own STOP ended it already, but START would bring it back; what she says here it must not.
    back = coming_back(ended.standing, ended.client_id)
    if grant.state != GrantState.REVOKED or purpose in back:
        revoke_client(client=ended.client, channel=channel, purposes=[purpose], said=_said(contact, now), now=now)
    return True


@transaction.atomic
def end_everything(*, contact: Contact, now: datetime) -> bool:
    """End every purpose at every address of the link's client; a second time changes nothing.

    `contact` is the link's, `now` aware UTC. False, and no effect, when the link is no longer hers.
    """
    hers = _locked(contact, now)
    if not hers:
        return False
    unsubscribe(link_key=contact.link_key, method=METHOD, now=now)
    for other in hers.values():
        if other.pk != contact.pk:
            _end_address(other, _said(contact, now), now)
    return True


@transaction.atomic
def change_language(*, contact: Contact, language: str, now: datetime) -> bool:
    """Write to the link's client in another language from now on, in what is planned already too.

    `contact` is the link's, `language` a code as in a protocol ("es"), `now` aware UTC. False, and no effect, when
    the link is no longer hers or no approved text of hers is written in it.
    """
    if not _locked(contact, now):
        return False
    client = Client.objects.select_for_update(no_key=True).get(pk=contact.client_id)
    if language not in languages(client):
        return False
    if client.language != language:
        _write_in(client, language, contact, now)
    return True


def languages(client: Client) -> tuple[str, ...]:
    """The languages that every protocol version which still writes to her has texts in, in alphabetical order."""
    coming = set(Message.objects.filter(client=client, state__in=OPEN).values_list("version", flat=True).distinct())
    newest = Link.objects.filter(client=client, ended_at__isnull=True).order_by("-pk").values_list("version", flat=True)
    found = ProtocolVersion.objects.filter(pk__in={*coming, *newest[:1]})
    known = [set(rendering.version(text).source.languages) for text in found.values_list("document", flat=True)]
    return tuple(sorted(set.intersection(*known))) if known else ()


def _locked(contact: Contact, now: datetime) -> dict[Channel, Contact]:
    """The client's addresses of today, every row of each locked before anything is written; none for an old link.

    An address that is no longer hers may be somebody else's by now: its link ends that address and nothing more.
    """
    current = Contact.objects.filter(
        client=contact.client_id, valid_to__isnull=True, address_sealed__isnull=False
    ).select_related("client__clinic", "standing")
    follow_up(standings.lock_addresses(current.values_list("standing_id", flat=True)), now=now)
    hers = {Channel(each.channel): each for each in current.all()}
    return hers if contact.pk in {each.pk for each in hers.values()} else {}


def _said(contact: Contact, now: datetime) -> Revocation:
    return Revocation(
        reason=SuppressionReason.LINK, method=METHOD, by="client", received_at=now, source=f"contact:{contact.pk}"
    )


def _end_address(other: Contact, said: Revocation, now: datetime) -> None:
    """Silence another address of hers; one that she shares only for her, for the other person said nothing."""
    rows = standings.lock_addresses([other.standing_id])  # locked already; who shares it may be on its other row
    if Contact.objects.filter(standing__in=rows).exclude(client=other.client_id).exists():
        given = Grant.objects.filter(client=other.client_id, standing=other.standing_id)
        left = given.exclude(state=GrantState.REVOKED).values_list("purpose", flat=True)
        # A START of the other person would bring hers back as well.
        back = coming_back(other.standing, other.client_id)
        if purposes := back | {Purpose(each) for each in left}:
            revoke_client(client=other.client, channel=Channel(other.channel), purposes=purposes, said=said, now=now)
        return
    revoke_once(rows, said=said, now=now)


def _write_in(client: Client, language: str, contact: Contact, now: datetime) -> None:
    before, client.language = client.language, language
    client.save(update_fields=["language"])
    waiting = Message.objects.select_for_update().filter(client=client, state__in=OPEN).order_by("pk")
    ids = list(waiting.values_list("pk", flat=True))
    Message.objects.filter(pk__in=ids).update(language=language)
    # A worker may hold one with its old words already made: the fence moves on, and it is claimed and written anew.
    Ready.objects.filter(message_id__in=ids).update(lease=F("lease") + STRIDE, free_at=LONG_AGO)
    record(
        clinic_id=client.clinic_id,
        kind="language",
        subject=f"client:{client.pk}",
        actor="client",
        at=now,
        code=language,
        facts={"before": before, "method": METHOD, "contact": contact.pk, "messages": len(ids)},
        sealed=True,
    )
