"""The desk begins a form, the client ends it on her own phone: the link is signed, short-lived, and good once.

What the desk wrote down so far lies sealed in the database's cache until it is used or a quarter of an hour has passed;
the enrolment itself is the same action as at the desk.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.cache import cache

from worker import sealed, tokens
from worker.actions.clients.enrol import Enrolled, enrol
from worker.models import Client, Clinic, Staff

if TYPE_CHECKING:
    from datetime import datetime

    from worker.intake.client import ClientFile

MINUTES = 15
KIND, CONTEXT = "e", "self_enrolment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What the desk began: whose it is, and the fields of its form."""

    key: int
    clinic: Clinic
    staff: Staff
    fields: dict[str, str]


def begin(*, staff: Staff, fields: dict[str, str]) -> str:
    """Keep the desk's form for a quarter of an hour; the token of the link that leads to it."""
    key = tokens.new_key()
    said = sealed.seal_json({"staff": staff.pk, "fields": fields}, CONTEXT)
    cache.set(_name(key), base64.b64encode(said).decode(), MINUTES * 60)
    return tokens.make(KIND, key)


def begun(token: str) -> Begun | None:
    """What a genuine link leads to, while it may be used."""
    named = tokens.read(KIND, token)
    kept = cache.get(_name(named.key)) if named else None
    if named is None or kept is None:
        return None
    said: dict[str, Any] = sealed.unseal_json(base64.b64decode(kept), CONTEXT)
    staff = Staff.objects.select_related("clinic").filter(pk=said["staff"], is_active=True).first()
    if staff is None:
        return None
    return Begun(key=named.key, clinic=staff.clinic, staff=staff, fields=said["fields"])


def end(*, begun: Begun, file: ClientFile, now: datetime) -> Enrolled:
    """Enrol her, and forget the link. Raises Refusals; then nothing changed and the link still works."""
    made = enrol(file, now=now)
    cache.delete(_name(begun.key))
    return made


def enrolled(clinic: Clinic, external_id: str) -> Client | None:
    """The client whom a form has become."""
    return Client.objects.filter(clinic=clinic, external_id=external_id).first()


def _name(key: int) -> str:
    return f"self_enrolment:{key}"
