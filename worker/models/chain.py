"""The chain over a clinic's record: what a link is made of, and how it is checked."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from worker.models.consent import ConsentEvent
from worker.models.event import Event

if TYPE_CHECKING:
    from django.db.models import Model

START = "0" * 64
INSTALLATION = 0  # the chain of what concerns all clinics (keys exchanged, texts emptied)
LOOK_BACK = 20_000  # event rows: a row that committed later than so many others is never sealed, and `verify` says so


def row_hash(row: Model) -> str:
    """SHA-256 over every column of the row, in the order of their names."""
    return hashlib.sha256(canonical(row).encode()).hexdigest()


def canonical(row: Model) -> str:
    """One row as JSON with sorted names; moments in UTC to the microsecond."""
    values = {field.attname: _plain(getattr(row, field.attname)) for field in row._meta.concrete_fields}  # noqa: SLF001 - Django documents _meta as public
    return json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def next_head(head: str, number: int, table: str, row_id: int, digest: str) -> str:
    """The chain's head after one more link."""
    return hashlib.sha256(f"{head}\n{number}\n{table}\n{row_id}\n{digest}".encode()).hexdigest()


def table_of(name: str) -> type[Event | ConsentEvent]:
    """The table that a seal speaks of."""
    tables: dict[str, type[Event | ConsentEvent]] = {"event": Event, "consent": ConsentEvent}
    return tables[name]


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value
