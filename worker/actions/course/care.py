"""The client's own page, which every message of a course leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker import tokens
from worker.models import Link

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Client, ProtocolVersion


def care_of(client: Client, version: ProtocolVersion, now: datetime) -> Link:
    """The client's care page under a version, made when it is first needed."""
    known = Link.objects.filter(client=client, version=version, ended_at__isnull=True).order_by("pk").last()
    return known or Link.objects.create(
        key=tokens.new_key(), clinic_id=client.clinic_id, client=client, version=version, created_at=now
    )
