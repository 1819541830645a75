"""A client's life with us, on every store: enrolled, written to, answered, heard of; and what of it can be read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import BinaryField

from tests.actions.post import Provider, round_of_post
from tests.builders import ALICES_PHONE, NOW, alice, text_from
from worker.actions.privacy.copybook import copied
from worker.actions.receive.receipt import receipt
from worker.actions.record.task import open_task
from worker.models import Attempt, Client

if TYPE_CHECKING:
    from datetime import datetime

    from tests.builders import House

NEXT_DAY = NOW + timedelta(days=1, hours=2)
SAYS = "is this redness normal?"


@dataclass(frozen=True)
class Life:
    """Who, and the provider that was called for her."""

    client: Client
    provider: Provider


def lived(house: House, *, reply: str = SAYS, phone: str = ALICES_PHONE, **file: Any) -> Life:
    """Alice is enrolled with a visit, confirmed on both channels, told her first advice; receipts come, and a reply."""
    client = alice(**({"visit": NOW + timedelta(days=30), "phone": phone} | file)).client
    provider = Provider()
    for at in (NOW, NEXT_DAY):
        for channel in ("sms", "email"):
            round_of_post(at, provider, channel=channel)
    for attempt in Attempt.objects.filter(message__client=client, channel="sms"):
        delivered(attempt, phone, now=NEXT_DAY)
    text_from(house.lakeside, ALICES_PHONE, reply, now=NEXT_DAY)
    facts = {"inbound": 1}
    open_task(
        clinic_id=house.lakeside.pk, client_id=client.pk, kind="unclear_reply", cause="life", facts=facts, now=NEXT_DAY
    )
    return Life(client, provider)


def delivered(attempt: Attempt, phone: str, *, now: datetime, status: str = "delivered") -> None:
    """The provider's receipt for one attempt; it names the number, as the real one does."""
    raw = {"MessageSid": attempt.provider_id, "MessageStatus": status, "To": phone}
    assert receipt(attempt_id=attempt.pk, provider_id=attempt.provider_id, status=status, code="", raw=raw, now=now)


def copy_of(client: Client) -> dict[str, Any]:
    """Everything readable about a client, as it is stored now."""
    return copied(Client.objects.get(pk=client.pk))


def models() -> list[Any]:
    """Every table there is, Django's own among them."""
    return list(apps.get_models(include_auto_created=True))


def plain_values() -> list[tuple[str, str]]:
    """Every value of every column that is not binary, with the column's name."""
    found = []
    for model in models():
        fields = [each for each in model._meta.concrete_fields if not isinstance(each, BinaryField)]
        for row in model._default_manager.values_list(*(each.attname for each in fields)):
            for field, value in zip(fields, row, strict=True):
                said = json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, dict | list) else value
                found.append((f"{model.__name__}.{field.name}", str(said)))
    return found


def binary_values() -> list[tuple[str, bytes]]:
    """Every value of every binary column."""
    found = []
    for model in models():
        for field in model._meta.concrete_fields:
            if isinstance(field, BinaryField):
                held = model._default_manager.filter(**{f"{field.name}__isnull": False})
                found += [
                    (f"{model.__name__}.{field.name}", bytes(each)) for each in held.values_list(field.name, flat=True)
                ]
    return found
