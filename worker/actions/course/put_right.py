"""A session on record is put right: its time corrected, taken back, or let stand again; the plan follows as one (P7).

What left stays as it is and never leaves again; what was still to come ends, and is planned from what is true.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from worker.actions.clients import find
from worker.actions.course import session
from worker.actions.course.cancel import cancel
from worker.actions.course.plan import Result
from worker.actions.course.told_untrue import Left, left, needless, warn
from worker.actions.course.visit import last_treatment
from worker.models import Treatment
from worker.rules.refusal import Refusal, Refusals
from worker.timeline import OF_PLAN

if TYPE_CHECKING:
    from datetime import datetime

    from worker.rules.taken_back import VoidReason


@transaction.atomic
def correct(*, treatment_id: int, performed_at: datetime, by: str, now: datetime) -> Result:
    """Give a session the time (aware) it really had; `by` is the email of one of the desk. Raises Refusals.

    Its plan is made anew from there, without what went already (P4). The time that it has changes nothing.
    """
    known = session.locked(treatment_id)
    return to_time(known, performed_at, by=_person(known, by), now=now)


@transaction.atomic
def void(*, treatment_id: int, why: VoidReason, by: str, now: datetime) -> Result:
    """Take back a session that was never done, or was another client's: its plan ends, the one before counts.

    `by` is the email of one of the desk. Raises Refusals.
    """
    known = session.locked(treatment_id)
    return take_back(known, why, by=_person(known, by), now=now)


@transaction.atomic
def stand_again(*, treatment_id: int, by: str, now: datetime) -> Result:
    """Undo of a void: the session stands as it stood, and what is still to come of it is planned, none of it twice.

    `by` is the email of one of the desk. One that stands changes nothing. Raises Refusals.
    """
    known = session.locked(treatment_id)
    person = _person(known, by)
    if known.voided_at is not None:
        needless(known, by=by, now=now)
    return let_stand(known, by=person, now=now)


def to_time(known: Treatment, performed_at: datetime, *, by: str, now: datetime) -> Result:
    """Correct a locked session, in the caller's transaction; `by` as the record has it. Raises Refusals."""
    _refuse_taken_back(known)
    session.refuse_odd_time(performed_at, now)
    if known.performed_at == performed_at:
        return Result()
    _refuse_another_at(known, performed_at)
    gone = left(known, really=performed_at)
    known.performed_at, known.generation = performed_at, known.generation + 1
    known.save(update_fields=["performed_at", "generation"])
    cancel(which=Q(treatment=known), reason="treatment_corrected", actor=by, now=now)
    session.note("corrected", known, by=by, now=now)
    warn(known, gone, now=now)
    return session.follow(known.client, known.version, by=by, now=now)


def take_back(known: Treatment, why: VoidReason | None, *, by: str, now: datetime) -> Result:
    """Void a locked session, in the caller's transaction. Raises Refusals."""
    _refuse_taken_back(known)
    gone = left(known, really=None)
    known.voided_at, known.generation = now, known.generation + 1
    known.save(update_fields=["voided_at", "generation"])
    cancel(which=Q(treatment=known), reason="treatment_void", actor=by, now=now)
    session.note("voided", known, by=by, now=now, code=why or "")
    warn(known, gone, now=now)
    _end_what_she_read(known, gone, by=by, now=now)
    return session.follow(known.client, known.version, by=by, now=now)


def let_stand(known: Treatment, *, by: str, now: datetime) -> Result:
    """Let a locked session stand again, in the caller's transaction. Raises Refusals."""
    if known.voided_at is None:
        return Result()
    _refuse_another_at(known, known.performed_at)
    known.voided_at, known.generation = None, known.generation + 1
    known.save(update_fields=["voided_at", "generation"])
    session.note("stands", known, by=by, now=now)
    return session.follow(known.client, known.version, by=by, now=now)


def _end_what_she_read(known: Treatment, gone: list[Left], *, by: str, now: datetime) -> None:
    """Entered anew, and only then taken back: what she read meanwhile does not come for the one that stays (P4)."""
    stays = last_treatment(known.client, known.version)
    if stays is None:
        return
    read = [Q(step__code=each.step, channel=each.channel) for each in gone if each.at >= stays.performed_at]
    if read:
        which = OF_PLAN & Q(treatment=stays) & reduce(or_, read)
        cancel(which=which, reason="read_before", actor=by, now=now)


def _person(known: Treatment, email: str) -> str:
    return f"staff:{find.staff(email, clinic_id=known.clinic_id, roles=find.DESK, field='by').pk}"


def _refuse_taken_back(known: Treatment) -> None:
    if known.voided_at is not None:
        raise Refusals([Refusal("treatment", "was taken back", "let it stand again if it was done after all")])


def _refuse_another_at(known: Treatment, performed_at: datetime) -> None:
    """Two sessions at one moment are one that was recorded twice: the second would text her all of it again (P4)."""
    same = Treatment.objects.filter(
        client=known.client_id, version__protocol=known.version.protocol_id, performed_at=performed_at,
        voided_at__isnull=True,
    ).exclude(pk=known.pk)  # fmt: skip
    if same.exists():
        mend = "take back the one that was recorded twice"
        raise Refusals([Refusal("performed_at", "is the time of another session of hers", mend)])
