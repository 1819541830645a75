"""What a provider's refusal changes: the message, the address, the consent, or a task for staff (rules 32, 87, 125)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.consent import standing as standings
from worker.actions.consent.hold import hold_standing
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import Ended, revoke_standings
from worker.actions.consent.stale import reconfirm_all
from worker.actions.record.audit import record
from worker.actions.record.drift import note_drift
from worker.actions.record.task import open_task, optin_failed
from worker.actions.send.circuit import close_circuits, open_circuit
from worker.actions.send.due import make_ready
from worker.actions.send.fall_back import fall_back
from worker.models import Attempt, Message
from worker.models.attempt import AttemptState
from worker.models.suppression import SuppressionReason
from worker.rules.errors import Effect, Outcome, Verdict, email_event, smtp_reply, twilio_code
from worker.rules.names import Channel
from worker.rules.states import State

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from worker.models import Standing

REFUSED_BY_CREATE = 400  # the HTTP class under which a create call's code is judged
OF_THE_ADDRESS = frozenset({Effect.SUPPRESS, Effect.RECONFIRM, Effect.REVIEW})
SENDER_WAIT = timedelta(minutes=5)  # a sender that is refused keeps its queue; an operator mends it meanwhile


def judge(channel: Channel, code: str, *, http_status: int = REFUSED_BY_CREATE) -> Verdict:
    """What a raw code of this channel's provider means."""
    if channel == Channel.SMS:
        return twilio_code(int(code) if code.isdecimal() else None, http_status)
    number = code[:3]
    if code and not number.isdecimal():
        return email_event(*code.split(" ", 1))  # an email provider's own words, such as "bounced invalid"
    return smtp_reply(int(number) if number.isdecimal() else 0, code)


def locked(standing_id: int, verdict: Verdict | None) -> list[Standing]:
    """A message's standing row, locked and first, with its twins where the verdict is about the address (P2).

    Any other answer looks for none, and costs what it did.
    """
    about_it = verdict is not None and verdict.effect in OF_THE_ADDRESS
    rows = standings.lock_addresses([standing_id]) if about_it else standings.lock([standing_id])
    return sorted(rows, key=lambda row: row.pk != standing_id)


@transaction.atomic
def refused(*, message_id: int, attempt_id: uuid.UUID, code: str, now: datetime, status: int = 400) -> None:
    """The create call was refused with `code`: end the message, or plan it again, and do what the table says."""
    message = Message.objects.select_related("standing").get(pk=message_id)
    verdict = judge(Channel(message.channel), code, http_status=status)
    code = code or verdict.code
    rows = locked(message.standing_id, verdict)
    state, due_at = _next(message, verdict, now)
    ended = AttemptState.UNKNOWN if state == State.UNKNOWN else AttemptState.REFUSED
    in_doubt = Attempt.objects.filter(pk=attempt_id, state__in=(AttemptState.SENDING, AttemptState.UNKNOWN))
    in_doubt.update(state=ended, code=code[:40], finished_at=now)
    changed = Message.objects.filter(pk=message_id, state__in=(State.SENDING, State.UNKNOWN))
    if state == State.PLANNED:
        changed.update(state=state, reason=f"code:{code}"[:60], due_at=due_at)
        make_ready(Message.objects.filter(pk=message_id, state=State.PLANNED), now=now)
    else:
        changed.update(state=state, reason=f"code:{code}"[:60])
    if state == State.REFUSED:
        optin_failed(message_id, now=now)
    if verdict.effect != Effect.OPEN_CIRCUIT and verdict.outcome not in {Outcome.UNKNOWN, Outcome.TRY_LATER}:
        close_circuits([message_id], now=now)  # it was about this message: the sender is welcome again
    apply_effect(rows, message, verdict, now=now)
    if state == State.REFUSED:
        fall_back(Message.objects.select_related("version", "step").get(pk=message_id), verdict, now=now)


def _next(message: Message, verdict: Verdict, now: datetime) -> tuple[State, datetime]:
    if verdict.outcome == Outcome.UNKNOWN:
        return State.UNKNOWN, message.due_at
    if verdict.outcome == Outcome.EXPIRED:
        return State.MISSED, message.due_at
    later = verdict.outcome == Outcome.TRY_LATER or verdict.effect == Effect.OPEN_CIRCUIT
    due_at = now + SENDER_WAIT
    if later and due_at < message.expires_at and (verdict.tries is None or message.attempts <= verdict.tries):
        return State.PLANNED, due_at
    return State.REFUSED, message.due_at


def apply_effect(rows: Sequence[Standing], message: Message, verdict: Verdict, *, now: datetime) -> None:
    """What a verdict changes beyond its own message; `rows` are as `locked` gave them for it."""
    standing = rows[0]
    effect, source = verdict.effect, f"message:{message.pk} code:{verdict.code}"
    if effect == Effect.NONE or not _often_enough(message, verdict):
        return
    if effect == Effect.SUPPRESS:
        reason = _reason(Channel(message.channel), verdict.code)
        said = Revocation(reason=reason, method="provider", by="provider", received_at=now, source=source)
        note_drift(standing, message, verdict, now=now)
        revoke_standings([Ended(row, said, already=row.suppressed_at is not None) for row in rows], now=now)
    elif effect == Effect.RECONFIRM:
        for row in rows:
            reconfirm_all(row, source=source, now=now)
    elif effect == Effect.REVIEW:
        for row in rows:
            hold_standing(row, why="provider_review", source=source, now=now)
    elif effect == Effect.OPEN_CIRCUIT:
        open_circuit(
            clinic_id=message.clinic_id, channel=message.channel, code=verdict.code, now=now, message_id=message.pk
        )
    open_task(
        clinic_id=message.clinic_id,
        client_id=message.client_id,
        kind=f"provider_{effect}",
        cause=f"{effect}:{message.pk if effect == Effect.STAFF_TASK else standing.pk}:{verdict.code}",
        facts={"message": message.pk, "code": verdict.code, "outcome": verdict.outcome},
        now=now,
    )
    record(
        clinic_id=message.clinic_id,
        kind="provider_verdict",
        subject=f"message:{message.pk}",
        actor="provider",
        at=now,
        code=verdict.code,
        facts={"effect": effect, "outcome": verdict.outcome},
    )


def _reason(channel: Channel, code: str) -> SuppressionReason:
    """Why that address is silent from now on: staff may mend a lost mailbox, a complaint only she takes back."""
    if channel == Channel.SMS:
        return SuppressionReason.CARRIER
    if code.endswith((" spam", " unsubscribed")):
        return SuppressionReason.COMPLAINT
    gone = " 5.1." in code or code.endswith(" invalid")
    return SuppressionReason.INVALID if gone else SuppressionReason.BOUNCE


def _often_enough(message: Message, verdict: Verdict) -> bool:
    """Some codes act only when they come several times in a row (rule 125: a disabled mailbox twice)."""
    if verdict.after <= 1:
        return True
    last = Attempt.objects.filter(standing_id=message.standing_id).exclude(state=AttemptState.SENDING)
    codes = list(last.order_by("-decided_at").values_list("code", flat=True)[: verdict.after])
    return len(codes) >= verdict.after and all(code == verdict.code for code in codes)
