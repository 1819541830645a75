"""What became of a mail after it was taken: a bounce, a complaint, a provider's event (rules 125 to 127).

Whoever calls has made sure that it is about a mail of ours: by a token of ours, or by the provider's own secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from worker.actions.consent import standing as standings
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import revoke_once
from worker.actions.receive.ask_staff import whose
from worker.actions.receive.receipt import receipt
from worker.actions.record.task import open_task
from worker.actions.record.verdicts import judge
from worker.models import Attempt, StaffTask
from worker.models.attempt import AttemptState
from worker.models.suppression import SuppressionReason
from worker.rules.errors import Outcome
from worker.rules.names import Channel

if TYPE_CHECKING:
    import uuid
    from datetime import datetime


SOFT_IN_A_ROW = 3  # so many mails in a row that could not be delivered: a person asks for a better address


@transaction.atomic
def mail_returned(*, attempt_id: uuid.UUID, code: str, raw: dict[str, Any], now: datetime) -> bool:
    """A mail came back for good; False when no such attempt is ours.

    `code` is an SMTP code ("550 5.1.1") or an email provider's words ("bounced invalid"). The table of rules/errors
    says what follows: an address that is no more is suppressed, a full mailbox and a policy never are.
    """
    attempt = Attempt.objects.filter(pk=attempt_id, channel=Channel.EMAIL).first()
    if attempt is None:
        return False
    receipt(
        attempt_id=attempt_id,
        provider_id=attempt.provider_id,
        status="undelivered",
        code=code[:40],
        raw=raw,
        now=now,
    )
    if _is_soft(code):
        _count(attempt, now)
    return True


def mail_delivered(*, attempt_id: uuid.UUID, provider_id: str, raw: dict[str, Any], now: datetime) -> bool:
    """The provider says that a mail was delivered; False when no such attempt is ours."""
    if not Attempt.objects.filter(pk=attempt_id, channel=Channel.EMAIL).exists():
        return False
    return receipt(attempt_id=attempt_id, provider_id=provider_id, status="delivered", code="", raw=raw, now=now)


@transaction.atomic
def mail_complained(*, standing_id: int, method: str, source: str, now: datetime) -> None:
    """She called our mail spam, or left by her provider: everything ends at that address, without a word (rule 127).

    `method` is complaint or unsubscribe; a second time changes nothing.
    """
    rows = standings.lock_addresses([standing_id])
    reason = SuppressionReason.COMPLAINT if method == "complaint" else SuppressionReason.LINK
    said = Revocation(reason=reason, method=method, by="client", received_at=now, source=source)
    if not revoke_once(rows, said=said, now=now):
        return
    row = next(row for row in rows if row.pk == standing_id)
    open_task(
        clinic_id=row.clinic_id,
        client_id=whose(row),
        kind=f"mail_{method}",
        cause=f"mail_{method}:{row.pk}:{source}",
        facts={"source": source},
        now=now,
    )


def _is_soft(code: str) -> bool:
    return judge(Channel.EMAIL, code).outcome in (Outcome.TRY_LATER, Outcome.EXPIRED)


def _count(attempt: Attempt, now: datetime) -> None:
    """A task once the last mails to that address, up to this one, all came back undelivered."""
    left = Attempt.objects.filter(standing_id=attempt.standing_id, state=AttemptState.ACCEPTED)
    until = left.filter(decided_at__lte=attempt.decided_at).order_by("-decided_at")
    codes = list(until.values_list("code", flat=True)[:SOFT_IN_A_ROW])
    if len(codes) < SOFT_IN_A_ROW or not all(code and _is_soft(code) for code in codes):
        return
    about = {"standing": attempt.standing_id, "code": codes[0]}
    open_already = StaffTask.objects.filter(
        clinic_id=attempt.clinic_id, kind="mail_soft_bounces", facts__standing=attempt.standing_id, done_at__isnull=True
    )
    if not open_already.exists():
        open_task(
            clinic_id=attempt.clinic_id,
            client_id=attempt.message.client_id,
            kind="mail_soft_bounces",
            cause=f"mail_soft_bounces:{attempt.pk}",
            facts=about,
            now=now,
        )
