"""Write down what a restore-check learned of a message: it has gone, or it may have (P4)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.consent import standing as standings
from worker.actions.course.resend import again
from worker.actions.record.audit import record
from worker.actions.restore.candidates import ENDED
from worker.actions.restore.doubted import MAY_HAVE_GONE
from worker.models import Attempt, Contact, Message, Ready
from worker.models.attempt import MAY_HAVE_LEFT, AttemptState
from worker.rules.states import OPEN, State

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from worker.actions.send.prepared import Prepared
    from worker.channels.records import Left

FOUND = "found_at_provider"


@transaction.atomic
def gone(each: Prepared, text: Left, now: datetime) -> bool:
    """Write down what the lost attempt knew; False when the message is another one's by now.

    What had been taken once already, and came back, went under its next number. Ways that `rules.states` has not: no
    message goes them, a restored row only comes to where its lost self had come.
    """
    message = Message.objects.get(pk=each.pk)
    if message.state not in (*OPEN, *ENDED) and (message.state, message.reason) != (State.WITHHELD, MAY_HAVE_GONE):
        return False
    if Attempt.objects.filter(message=message, state__in=MAY_HAVE_LEFT).exists():
        message = _next(message, text)
    message.state, message.reason, message.provider_id = State.ACCEPTED, "", text.provider_id
    message.sent_at = message.decided_at = text.at
    message.save(update_fields=["state", "reason", "provider_id", "sent_at", "decided_at"])
    Ready.objects.filter(message=message).delete()
    Attempt.objects.create(
        id=uuid.uuid4(), message=message, clinic_id=message.clinic_id, standing_id=message.standing_id,
        channel=each.channel, cls=each.cls, state=AttemptState.ACCEPTED, worker="restore", decided_at=text.at,
        lease_until=now, finished_at=now, provider_id=text.provider_id, segments=each.segments,
        body_sealed=each.body_sealed, body_sha256=each.body_sha256,
    )  # fmt: skip
    _say(message.pk, message.clinic_id, FOUND, now)
    return True


def _next(message: Message, text: Left) -> Message:
    contact = Contact.objects.filter(client=message.client_id, channel=message.channel, valid_to__isnull=True).first()
    contact = contact or message.contact
    assert contact is not None
    standings.lock([contact.standing_id])
    useful = min(text.at, message.expires_at - timedelta(seconds=1))  # a message is made while it is of use
    return again(message, contact, due_at=text.at, now=useful)


@transaction.atomic
def withhold(ids: Iterable[int], now: datetime) -> int:
    """Send none of these, by itself or by a replay; how many."""
    rows = list(
        Message.objects.filter(pk__in=list(ids), state__in=(*OPEN, *ENDED)).values_list("pk", "clinic_id")
    )  # fmt: skip
    for pk, clinic_id in rows:
        Message.objects.filter(pk=pk).update(state=State.WITHHELD, reason=MAY_HAVE_GONE, decided_at=now)
        Ready.objects.filter(message_id=pk).delete()
        _say(pk, clinic_id, MAY_HAVE_GONE, now)
    return len(rows)


def _say(pk: int, clinic_id: int, code: str, now: datetime) -> None:
    record(
        clinic_id=clinic_id, kind="decision", subject=f"message:{pk}", actor="system", at=now, code=code,
        facts={"state": State.ACCEPTED if code == FOUND else State.WITHHELD},
    )  # fmt: skip
