"""Holds and pauses: nothing goes, and it is written down who said so and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from worker.actions.record.audit import record
from worker.models import Clinic, Hold, Lineage, Message, Pause, Protocol, Sender
from worker.models.hold import CIRCUIT, SYSTEM, PauseScope
from worker.models.scope_names import name_of
from worker.rules.refusal import Refusal, Refusals
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Standing

MACHINES = (CIRCUIT, SYSTEM)  # nobody who paused: what they gave ends by itself, or with the release


def hold_standing(row: Standing, *, why: str, source: str, now: datetime) -> None:
    """Hold every automated message to an address whose lock the caller has: in doubt, nothing is sent (rule 17)."""
    if row.held_at is None:
        row.held_at, row.held_why = now, why
    row.changed_at = now
    row.save(update_fields=["held_at", "held_why", "changed_at"])
    Hold.objects.create(clinic_id=row.clinic_id, standing=row, why=why, source=source, since=now)
    record(clinic_id=row.clinic_id, kind="held", subject=f"standing:{row.pk}", actor="system", at=now, code=why)


@transaction.atomic
def pause(*, scope: PauseScope, value: str, why: str, by: str, now: datetime) -> Pause:
    """Stop everything in the scope from the next decision on.

    What a circuit or a restore paused becomes this person's, so that neither a good probe nor the release ends it.
    Raises Refusals when a person paused it already.
    """
    stands = _standing(scope, value)
    said = {"why": why, "by": by}
    made = _taken_over(stands, **said) if stands else _begun(scope, value, **said, now=now)
    _record("paused", scope, value, subject=f"pause:{made.pk}", by=by, now=now)
    return made


@transaction.atomic
def resume(*, scope: PauseScope, value: str, by: str, now: datetime, why: str = "") -> int:
    """End a pause; what it held is planned again and passes every gate anew. Returns how many messages.

    Who ended it, and why where that was said, stays beside who gave it and why.
    A message does not say which pause held it: all that are paused in the clinics of this one are looked at again.
    Raises Refusals when nothing of that scope is paused, or when everything is held because the database was put back.
    """
    if scope == PauseScope.ALL and not value and Lineage.objects.filter(restored_at__isnull=False).exists():
        mend = "run: aftercare restore-check, then aftercare restore-check --release"
        raise Refusals([Refusal("scope", "is held, for the database was restored from a backup", mend)])
    stands = Pause.objects.filter(scope=scope, value=value, ended_at__isnull=True)
    ended = stands.update(ended_at=now, ended_by=by, ended_why=why)
    if not ended:
        raise Refusals([Refusal("scope", f"{name_of(scope, value)} is not paused", "see `aftercare status`")])
    _record("resumed", scope, value, subject=f"pause:{scope}:{value}", by=by, now=now)
    held = Message.objects.filter(clinic__in=_silenced(scope, value), state=State.HELD, reason="paused")
    return held.update(state=State.PLANNED, reason="")


def _standing(scope: PauseScope, value: str) -> Pause | None:
    return Pause.objects.select_for_update().filter(scope=scope, value=value, ended_at__isnull=True).first()


def _begun(scope: PauseScope, value: str, *, why: str, by: str, now: datetime) -> Pause:
    """A new one. Who presses in the same moment and comes second is answered as if she had come later."""
    try:
        with transaction.atomic():  # a savepoint: on PostgreSQL nothing could be asked after the collision
            return Pause.objects.create(scope=scope, value=value, why=why, by=by, since=now)
    except IntegrityError:
        stands = _standing(scope, value)
        if stands is None:
            raise
        return _taken_over(stands, why=why, by=by)


def _taken_over(stands: Pause, *, why: str, by: str) -> Pause:
    """A machine's pause, given by a person now; a circuit's probe goes through it no more. Raises Refusals."""
    if stands.by not in MACHINES or by in MACHINES:
        name = name_of(stands.scope, stands.value)
        raise Refusals([Refusal("scope", f"{name} is paused already", "resume it first")])
    stands.why, stands.by, stands.probe, stands.probed_at = why, by, None, None
    stands.save(update_fields=["why", "by", "probe", "probed_at"])
    return stands


def _record(kind: str, scope: PauseScope, value: str, *, subject: str, by: str, now: datetime) -> None:
    """For every clinic that it silenced: each must be able to prove why its clients heard nothing (P8).

    The sealer chains the rows a moment later: a kill switch must not wait for the lock of any clinic's chain.
    """
    for clinic_id in _silenced(scope, value):
        record(clinic_id=clinic_id, kind=kind, subject=subject, actor=by, at=now, code=scope)


def _silenced(scope: PauseScope, value: str) -> list[int]:
    if scope == PauseScope.CLINIC:
        return [int(value)]
    if scope == PauseScope.PROTOCOL:
        return list(Protocol.objects.filter(pk=int(value)).values_list("clinic_id", flat=True))
    if scope == PauseScope.SENDER:
        return list(Sender.objects.filter(pk=int(value)).values_list("clinic_id", flat=True))
    return list(Clinic.objects.order_by("pk").values_list("pk", flat=True))
