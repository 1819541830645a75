"""The pages of a client's copy, a function each; staff by number, other people's words not at all (GDPR 15(4))."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from worker import sealed
from worker.models import ConsentEvent, Contact, Event, Inbound, Standing, Suppression, Wording

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Attempt, Client, Message

Page = list[dict[str, Any]]
SHARED = "this address was shared with another person: whose words these are can't be told, so they are left out"


def copied(client: Client) -> dict[str, Any]:
    """All pages. Raises sealed.Unreadable."""
    return {
        "clinic": _clinic(client),
        "client": _client(client),
        "contacts": [_contact(each) for each in client.contacts.order_by("pk")],
        "consents": _consents(client),
        "grants": _grants(client),
        "suppressions": _suppressions(client),
        "treatments": _treatments(client),
        "appointments": _appointments(client),
        "messages": [_message(each) for each in client.messages.select_related("step").order_by("due_at", "pk")],
        "replies": _replies(client),
        "answers": _answers(client),
        "tasks": _tasks(client),
        "events": _events(client),
    }


def _clinic(client: Client) -> dict[str, Any]:
    clinic = client.clinic
    return {name: getattr(clinic, name) for name in ("slug", "name", "phone", "postal_address", "reply_to")}


def _client(client: Client) -> dict[str, Any]:
    plain = ("external_id", "language", "zone", "health_basis")
    return {
        "id": client.pk,
        "name": opened(client.name_sealed, "client.name"),
        **{name: getattr(client, name) for name in plain},
        "created_at": iso(client.created_at),
        "erased_at": iso(client.erased_at),
    }


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "channel": contact.channel,
        "address": opened(contact.address_sealed, "contact.address"),
        "as_written": opened(contact.raw_sealed, "contact.raw"),
        "relationship": contact.relationship,
        "holder": opened(contact.holder_sealed, "contact.holder"),
        "valid_from": iso(contact.valid_from),
        "valid_to": iso(contact.valid_to),
    }


def _consents(client: Client) -> Page:
    acts = ConsentEvent.objects.filter(client_id=client.pk).select_related("wording", "evidence").order_by("pk")
    return [_consent(act) for act in acts]


def _consent(act: ConsentEvent) -> dict[str, Any]:
    plain = ("channel", "purpose", "act", "method", "source", "zone", "recorded_by", "language")
    stored = getattr(act, "evidence", None)
    return {
        "id": act.pk,
        **{name: getattr(act, name) for name in plain},
        "happened_at": iso(act.happened_at),
        "recorded_at": iso(act.recorded_at),
        "wording": _wording(act.wording),
        "evidence": opened_json(stored.sealed, "consent.evidence") if stored else None,
    }


def _wording(wording: Wording | None) -> dict[str, Any] | None:
    if wording is None:
        return None
    return {name: getattr(wording, name) for name in ("code", "version", "language", "text", "sha256")}


def _grants(client: Client) -> Page:
    """What she agrees to today."""
    rows = client.grants.select_related("standing").order_by("pk")
    return [
        {
            "channel": each.standing.channel,
            "purpose": each.purpose,
            "state": each.state,
            "confirmed_at": iso(each.confirmed_at),
            "changed_at": iso(each.changed_at),
        }
        for each in rows
    ]


def _suppressions(client: Client) -> Page:
    """Why nothing goes to an address of hers."""
    rows = Suppression.objects.filter(standing__in=_standings(client)).order_by("pk")
    return [
        {
            "channel": each.channel,
            "reason": each.reason,
            "since": iso(each.since),
            "lifted_at": iso(each.lifted_at),
        }
        for each in rows
    ]


def _treatments(client: Client) -> Page:
    rows = client.treatments.select_related("version__protocol").order_by("pk")
    return [
        {
            "external_id": each.external_id,
            "protocol": each.version.protocol.code,
            "version": each.version.number,
            "performed_at": iso(each.performed_at),
            "zone": each.zone,
            "practitioner": each.practitioner,
        }
        for each in rows
    ]


def _appointments(client: Client) -> Page:
    return [
        {
            "external_id": each.external_id,
            "source": each.source,
            "starts_at": iso(each.starts_at),
            "zone": each.zone,
            "status": each.status,
            "changed_at": iso(each.changed_at),
        }
        for each in client.appointments.order_by("pk")
    ]


def _message(message: Message) -> dict[str, Any]:
    plain = ("id", "channel", "purpose", "cls", "state", "reason", "language", "zone")
    moments = ("due_at", "expires_at", "created_at", "decided_at", "sent_at")
    return {
        "step": message.step.code,
        **{name: getattr(message, name) for name in plain},
        **{name: iso(getattr(message, name)) for name in moments},
        "attempts": [_attempt(each) for each in message.tries.order_by("decided_at")],
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    """The text as it was sent; None once retention has emptied it."""
    said = opened_json(attempt.body_sealed, "attempt.body") or {"subject": None, "text": None}
    return {
        "decided_at": iso(attempt.decided_at),
        "state": attempt.state,
        "code": attempt.code,
        "provider_id": attempt.provider_id,
        "subject": said["subject"],
        "text": said["text"],
        "text_sha256": attempt.body_sha256,
        "receipts": [
            {
                "status": each.status,
                "code": each.code,
                "received_at": iso(each.received_at),
                "raw": opened_json(each.raw_sealed, "receipt.raw"),
            }
            for each in attempt.receipts.order_by("pk")
        ],
    }


def _replies(client: Client) -> Page:
    """What came from her addresses while they were hers."""
    found: Page = []
    for contact in client.contacts.order_by("pk"):
        rows = Inbound.objects.filter(standing=contact.standing_id, received_at__gte=contact.valid_from)
        if contact.valid_to:
            rows = rows.filter(received_at__lte=contact.valid_to)
        shared = Contact.objects.filter(standing=contact.standing_id).exclude(client=client).exists()
        found += (_reply(each, shared=shared) for each in rows.order_by("pk"))
    return found


def _reply(inbound: Inbound, *, shared: bool) -> dict[str, Any]:
    said = None if shared else opened(inbound.body_sealed, "inbound.body")
    return {
        "channel": inbound.channel,
        "received_at": iso(inbound.received_at),
        "read_as": inbound.word,
        "provider_id": inbound.provider_id,
        "text": said,
        **({"note": SHARED} if shared else {}),
    }


def _answers(client: Client) -> Page:
    """What she tapped on her care page; what staff wrote to her stands among the messages, as it was sent."""
    return [
        {
            "step": each.step.code,
            "answered_at": iso(each.answered_at),
            "red": each.red,
            "answers": opened_json(each.answers_sealed, "checkin.answers"),
        }
        for each in client.checkins.select_related("step").order_by("pk")
    ]


def _tasks(client: Client) -> Page:
    return [
        {
            "kind": each.kind,
            "facts": each.facts,
            "opened_at": iso(each.opened_at),
            "due_at": iso(each.due_at),
            "done_at": iso(each.done_at),
            "done_by": each.done_by,
        }
        for each in client.tasks.order_by("pk")
    ]


def _events(client: Client) -> Page:
    """The audit record of everything that is hers alone."""
    subjects = [f"client:{client.pk}"]
    subjects += (f"message:{pk}" for pk in client.messages.values_list("pk", flat=True))
    subjects += (f"appointment:{pk}" for pk in client.appointments.values_list("pk", flat=True))
    alone = Standing.objects.filter(pk__in=_standings(client)).exclude(
        Q(contacts__in=Contact.objects.exclude(client=client))
    )
    subjects += (f"standing:{pk}" for pk in alone.values_list("pk", flat=True))
    plain = ("kind", "subject", "actor", "code", "facts")
    return [
        {"at": iso(each.at), **{name: getattr(each, name) for name in plain}}
        for each in Event.objects.filter(subject__in=subjects).order_by("pk")
    ]


def _standings(client: Client) -> list[int]:
    return list(client.contacts.values_list("standing_id", flat=True))


def opened(value: bytes | memoryview | None, context: str) -> str | None:
    """A sealed value, opened; None where nothing is stored. Raises sealed.Unreadable."""
    return sealed.unseal(value, context) if value else None


def opened_json(value: bytes | memoryview | None, context: str) -> Any:
    """The same for a sealed JSON value."""
    said = opened(value, context)
    return None if said is None else json.loads(said)


def iso(at: datetime | None) -> str | None:
    """A moment as ISO 8601, or None."""
    return at.isoformat() if at else None
