"""Write consent: every act is an append-only, chained row, and the standing follows in the same transaction."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any

from worker import sealed
from worker.actions.record.audit import append_seals
from worker.models import ConsentEvent, Evidence, Grant, Standing
from worker.models.rows import change
from worker.models.store import store
from worker.rules.consent import STATE_AFTER, Act

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Wording
    from worker.rules.names import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentAct:
    """One act to be written; `evidence` is personal, sealed and erasable, only its commitment enters the chain."""

    client_id: int | None
    purpose: Purpose
    act: Act
    method: str
    happened_at: datetime
    zone: str
    recorded_by: str
    wording: Wording | None = None
    language: str = ""
    source: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)


Acts = Sequence[tuple[Standing, ConsentAct]]


def write(standing: Standing, acts: Sequence[ConsentAct], *, now: datetime) -> list[ConsentEvent]:
    """Append the acts, chain them, and bring the grants up to date. The caller holds the standing's lock."""
    return write_all([(standing, act) for act in acts], now=now)


def write_all(acts: Acts, *, now: datetime) -> list[ConsentEvent]:
    """The same for acts at several addresses whose locks the caller holds, in as many statements as for one."""
    events = [_event(standing, act, now) for standing, act in acts]
    said = [(_said(act), os.urandom(16)) if act.evidence else None for _, act in acts]
    for event, words in zip(events, said, strict=True):
        if words:
            event.commitment = sealed.commitment(*words)
    store(events)
    store(
        [
            Evidence(event=event, salt=words[1], sealed=sealed.seal(words[0], "consent.evidence"))
            for event, words in zip(events, said, strict=True)
            if words
        ]
    )
    for clinic_id, several in groupby(events, key=lambda event: event.clinic_id):
        append_seals(clinic_id, "consent", list(several))
    if not _ended_as_one(acts, now):
        for standing, act in acts:
            if act.client_id is not None:
                _follow(standing, act.client_id, act, now)
    return events


def _ended_as_one(acts: Acts, now: datetime) -> bool:
    """Bring the grants up to date in one statement where all acts are revocations, as in a STOP.

    False when not all could be: a revocation of what was never agreed to makes a grant of its own.
    """
    grants = sorted({(row.pk, act.client_id, act.purpose) for row, act in acts if act.client_id is not None})
    if any(act.act != Act.REVOKED for _, act in acts):
        return False
    if not grants:
        return True
    these = ", ".join(["(%s, %s, %s)"] * len(grants))
    changed = change(
        "UPDATE aftercare_grant SET state = %s, changed_at = %s "
        f"WHERE (standing_id, client_id, purpose) IN (VALUES {these})",
        [STATE_AFTER[Act.REVOKED], now, *chain.from_iterable(grants)],
    )
    return changed == len(grants)


def _event(standing: Standing, act: ConsentAct, now: datetime) -> ConsentEvent:
    return ConsentEvent(
        clinic_id=standing.clinic_id,
        client_id=act.client_id,
        standing_id=standing.pk,
        channel=standing.channel,
        purpose=act.purpose,
        act=act.act,
        wording=act.wording,
        wording_sha256=act.wording.sha256 if act.wording else "",
        language=act.language,
        method=act.method,
        source=act.source,
        happened_at=act.happened_at,
        zone=act.zone,
        recorded_at=now,
        recorded_by=act.recorded_by,
    )


def _said(act: ConsentAct) -> str:
    return sealed.spoken(act.evidence)


def _follow(standing: Standing, client_id: int, act: ConsentAct, now: datetime) -> None:
    changed: dict[str, Any] = {"state": STATE_AFTER[act.act], "changed_at": now}
    if act.act in (Act.GIVEN, Act.ASKED):
        changed["confirmed_at"] = None  # a new yes is confirmed anew (rule 6)
    which = {"standing": standing, "client_id": client_id, "purpose": act.purpose}
    if not Grant.objects.filter(**which).update(**changed):  # the standing's lock is held: nobody comes between
        Grant.objects.create(**which, **changed)
