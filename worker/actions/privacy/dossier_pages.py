"""The pages of a consent dossier: who, which addresses, every act with its words and evidence, what was sent."""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db.models import Q

from worker.actions.privacy.copybook import iso, opened, opened_json
from worker.models import Attempt, Contact, Message, Standing, Suppression
from worker.models.attempt import MAY_HAVE_LEFT
from worker.models.chain import canonical
from worker.models.consent import ConsentEvent, Wording
from worker.models.standing import GrantState
from worker.rules.names import Channel, Purpose

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Client, Grant

Page = list[dict[str, Any]]


def pages(client: Client, *, bodies: bool) -> dict[str, Any]:
    """All pages but the proof. Raises sealed.Unreadable."""
    return {
        "clinic": _clinic(client),
        "client": _client(client),
        "addresses": [_address(each) for each in client.contacts.order_by("pk")],
        "standing": _standing(client),
        "consents": [_consent(each, client) for each in acts(client)],
        "suppressions": _suppressions(client),
        "messages": [_message(each, bodies=bodies) for each in sent(client)],
    }


def acts(client: Client) -> list[ConsentEvent]:
    """Every act about her, and what came from her addresses while nobody knew whose they were (rule 34)."""
    nobodys = Q(client_id__isnull=True, standing_id__in=_standing_ids(client))
    found = ConsentEvent.objects.filter(Q(client_id=client.pk) | nobodys, clinic=client.clinic)
    return list(found.select_related("wording", "evidence").order_by("pk"))


def sent(client: Client) -> list[Message]:
    """Her messages that left or may have left, the first first."""
    called = Message.objects.filter(client=client, tries__state__in=MAY_HAVE_LEFT).distinct()
    return list(called.select_related("step", "version__protocol").order_by("due_at", "pk"))


def _clinic(client: Client) -> dict[str, Any]:
    plain = ("slug", "name", "phone", "postal_address", "reply_to", "zone")
    return {"id": client.clinic_id, **{name: getattr(client.clinic, name) for name in plain}}


def _client(client: Client) -> dict[str, Any]:
    plain = ("external_id", "language", "zone")
    return {
        "id": client.pk,
        "name": opened(client.name_sealed, "client.name"),
        **{name: getattr(client, name) for name in plain},
        "minor": client.is_minor,
        "enrolled_at": iso(client.created_at),
        "erased_at": iso(client.erased_at),
    }


def _address(contact: Contact) -> dict[str, Any]:
    return {
        "standing_id": contact.standing_id,
        "channel": contact.channel,
        "as_given": opened(contact.raw_sealed, "contact.raw"),
        "normalised": opened(contact.address_sealed, "contact.address"),
        "whose": contact.relationship,
        "holder": opened(contact.holder_sealed, "contact.holder"),
        "from": iso(contact.valid_from),
        "to": iso(contact.valid_to),
    }


def _standing(client: Client) -> Page:
    """What may be sent to her today, for every channel and purpose; what nobody agreed to is a no (P1)."""
    now = {each.channel: each for each in client.contacts.filter(valid_to__isnull=True).select_related("standing")}
    grants = {(each.standing_id, each.purpose): each for each in client.grants.all()}
    found = []
    for channel, purpose in product(Channel, Purpose):
        row = now[channel].standing if channel in now else None
        found.append(_may(channel, purpose, row, grants.get((row.pk, purpose)) if row else None))
    return found


def _may(channel: Channel, purpose: Purpose, row: Standing | None, grant: Grant | None) -> dict[str, Any]:
    stopped, held = (row.suppressed_at, row.held_at) if row else (None, None)
    agreed = grant is not None and grant.state == GrantState.ACTIVE
    return {
        "channel": channel.value,
        "purpose": purpose.value,
        "may_be_sent": agreed and stopped is None and held is None,
        "consent": grant.state if grant else "never given",
        "since": iso(grant.changed_at) if grant else None,
        "confirmed_at": iso(grant.confirmed_at) if grant else None,
        "stopped_at": iso(stopped),
        "stopped_why": row.suppressed_why if row else None,
        "held_at": iso(held),
    }


def _consent(act: ConsentEvent, client: Client) -> dict[str, Any]:
    """`row` is the row as it was sealed; everything beside it is held to it by a hash, or follows from it."""
    return {
        "row": json.loads(canonical(act)),
        "local_time": _local(act.happened_at, act.zone),
        "wording": _wording(act.wording),
        "evidence": _evidence(act, client),
    }


def _local(at: datetime, name: str) -> str:
    return at.astimezone(ZoneInfo(name)).isoformat()


def _wording(wording: Wording | None) -> dict[str, Any] | None:
    if wording is None:
        return None
    return {name: getattr(wording, name) for name in ("id", "code", "version", "language", "text", "sha256")}


def _evidence(act: ConsentEvent, client: Client) -> dict[str, Any]:
    """The personal side of an act, with the salt of its commitment; a stranger's words are not hers to read."""
    if not act.commitment:
        return {"state": "none"}
    if act.client_id != client.pk:
        return {"state": "withheld"}
    stored = getattr(act, "evidence", None)
    if stored is None or stored.sealed is None or stored.salt is None:
        return {"state": "erased"}
    said = opened_json(stored.sealed, "consent.evidence")
    return {"state": "open", "said": said, "salt": bytes(stored.salt).hex()}


def _suppressions(client: Client) -> Page:
    rows = Suppression.objects.filter(standing__in=_standing_ids(client)).order_by("pk")
    return [
        {
            "standing_id": each.standing_id,
            "channel": each.channel,
            "reason": each.reason,
            "since": iso(each.since),
            "lifted_at": iso(each.lifted_at),
            "lifted_by": each.lifted_by,
        }
        for each in rows
    ]


def _message(message: Message, *, bodies: bool) -> dict[str, Any]:
    plain = ("id", "channel", "purpose", "cls", "kind", "state", "language", "version_id")
    version = message.version
    return {
        **{name: getattr(message, name) for name in plain},
        "step": message.step.code,
        "protocol": version.protocol.code,
        "version": version.number,
        "version_sha256": version.sha256,
        "sent_at": iso(message.sent_at),
        "attempts": [_attempt(each, bodies=bodies) for each in message.tries.order_by("decided_at")],
    }


def _attempt(attempt: Attempt, *, bodies: bool) -> dict[str, Any]:
    """One call to the provider, and what it said to it."""
    receipts = attempt.receipts.order_by("pk").values_list("status", "code", "received_at")
    said = opened_json(attempt.body_sealed, "attempt.body") if bodies else None
    return {
        "id": attempt.pk.hex,
        "decided_at": iso(attempt.decided_at),
        "finished_at": iso(attempt.finished_at),
        "state": attempt.state,
        "code": attempt.code,
        "provider_id": attempt.provider_id,
        "text_sha256": attempt.body_sha256,
        **({"subject": said["subject"], "text": said["text"]} if said else {}),
        "receipts": [{"status": status, "code": code, "received_at": iso(at)} for status, code, at in receipts],
    }


def _standing_ids(client: Client) -> list[int]:
    return list(client.contacts.values_list("standing_id", flat=True))
