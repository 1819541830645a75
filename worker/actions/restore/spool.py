"""Stops that no provider's list would show again, kept beside the heads: what a restored backup must be told (P2).

A line for each click, bounce, complaint, reply by mail, word at the desk and erasure that ended something, in a file of
its day.
It names the links of the address by their random numbers, which outlive a restore, and nobody by anything else (P9).
The disk has it before whoever said so is answered. STOPs by text are not here: the provider lists them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction

from worker import clock, heads
from worker.actions.record.audit import record
from worker.models import Contact, Standing
from worker.models.suppression import SuppressionReason
from worker.rules.names import Channel, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from worker.actions.consent.revocation import Revocation

log = structlog.get_logger("aftercare.spool")
KEPT = timedelta(days=35)  # a backup that is put back is rarely older; a click is worth nothing to anybody later
MOST_LINKS = 20  # of one shared address
ERASURE = "erasure"  # how it ended: who comes back with the backup must be erased again


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One line. `kept_at` is machine time, `received_at` calendar; no `purposes` means the whole address."""

    kept_at: datetime
    received_at: datetime
    channel: Channel
    reason: SuppressionReason
    method: str
    links: tuple[int, ...]
    purposes: tuple[Purpose, ...]


def folder() -> Path:
    """Beside the heads: on a disk that is not put back together with the database."""
    return Path(f"{settings.HEADS_FILE}.stops")


def keep(
    standing_id: int,
    channel: Channel,
    said: Revocation,
    *,
    client_id: int | None = None,
    purposes: Iterable[Purpose] = (),
) -> None:
    """Write it down once the caller's transaction has committed; of one client's purposes, or of the whole address.

    A disk that is full or away is logged and recorded: the stop itself stands in the database.
    """
    if channel == Channel.SMS and said.reason == SuppressionReason.KEYWORD:
        return
    transaction.on_commit(partial(_write, standing_id, channel, said, client_id, tuple(purposes)))


def _write(
    standing_id: int, channel: Channel, said: Revocation, client_id: int | None, purposes: tuple[Purpose, ...]
) -> None:
    found = Contact.objects.filter(standing_id=standing_id, **({"client_id": client_id} if client_id else {}))
    links = list(found.order_by("-pk").values_list("link_key", flat=True)[:MOST_LINKS])
    if not links:
        return
    machine = clock.machine()
    line = {
        "kept_at": machine.isoformat(), "received_at": said.received_at.isoformat(), "channel": str(channel),
        "reason": str(said.reason), "method": said.method, "links": links, "purposes": sorted(purposes),
    }  # fmt: skip
    file = folder() / f"{machine.astimezone(UTC):%Y-%m-%d}.jsonl"
    try:
        if not file.exists():
            _forget_old(machine)
        heads.add_line(file, heads.plain(line))
    except OSError as error:
        log.error("stop_not_spooled", standing=standing_id, error=type(error).__name__)
        _record_unkept(standing_id, type(error).__name__)


def _record_unkept(standing_id: int, why: str) -> None:
    """On the clinic's record as well (rule 142); the stop holds, whatever becomes of this."""
    try:
        record(
            clinic_id=Standing.objects.values_list("clinic_id", flat=True).get(pk=standing_id), kind="stop_not_spooled",
            subject=f"standing:{standing_id}", actor="system", at=clock.now(), code=why,
        )  # fmt: skip
    except DatabaseError as error:
        log.error("unspooled_stop_not_recorded", standing=standing_id, error=type(error).__name__)


def _forget_old(machine: datetime) -> None:
    for file in folder().glob("*.jsonl"):
        if file.stem < f"{machine - KEPT:%Y-%m-%d}":
            file.unlink(missing_ok=True)


def since(moment: datetime) -> Iterator[Stop]:
    """Every stop that was kept since then (machine time), the earliest first; what nobody can read is left out.

    Where there is no folder, none: `coverage.gap` says so. Raises OSError.
    """
    for file in _days():
        if file.stem >= f"{moment.astimezone(UTC):%Y-%m-%d}":
            for text in file.read_text(encoding="utf-8", errors="replace").splitlines():
                stop = _read(text)
                if stop is not None and stop.kept_at >= moment:
                    yield stop


def _days() -> list[Path]:
    """The files, the earliest first; listed so that a folder which may not be read is no empty one, as to a glob."""
    try:
        return sorted(file for file in folder().iterdir() if file.suffix == ".jsonl")
    except FileNotFoundError:
        return []


def _read(text: str) -> Stop | None:
    try:
        said: dict[str, Any] = json.loads(text)
        return Stop(
            kept_at=datetime.fromisoformat(said["kept_at"]), received_at=datetime.fromisoformat(said["received_at"]),
            channel=Channel(said["channel"]), reason=SuppressionReason(said["reason"]), method=str(said["method"]),
            links=tuple(map(int, said["links"])), purposes=tuple(map(Purpose, said["purposes"])),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # a crash cut it short, and its click was never answered
