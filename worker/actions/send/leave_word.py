"""What a decision leaves behind: its row in the record, and a task where only a person can mend it (P5, P8)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from worker.actions.record.task import open_task, optin_failed
from worker.models.rows import insert_many
from worker.rules.gate import Decision, Go, Later, Reason, Stop
from worker.rules.names import AnswerKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from worker.actions.send.prepared import Prepared

NEEDS_A_PERSON = frozenset(
    {
        Reason.NOT_APPROVED, Reason.WITHDRAWN, Reason.REVIEW_OVERDUE, Reason.CHANGED, Reason.NO_SENDER,
        Reason.CANT_RENDER, Reason.TOO_LONG, Reason.NO_ADDRESS, Reason.WORKER_DIED, Reason.PROMISED,
    }
)  # fmt: skip
HER_OWN_WISH = frozenset({Reason.REVOKED, Reason.SUPPRESSED, Reason.NO_CONSENT})


def tell_staff(stopped: Sequence[tuple[Prepared, Stop]], now: datetime) -> None:
    """What only a person can mend is put before one; a stop that the client or the plan wanted is not."""
    for each, verdict in stopped:
        if each.row["kind"] == AnswerKind.OPTIN_CONFIRMATION and verdict.reason not in HER_OWN_WISH:
            optin_failed(each.pk, now=now)
        if verdict.reason in NEEDS_A_PERSON:
            open_task(
                clinic_id=each.row["clinic_id"],
                client_id=each.row["client_id"],
                kind="not_sent",
                cause=f"not_sent:{each.pk}:{verdict.reason}",
                facts={"message": each.pk, "reason": verdict.reason},
                now=now,
            )


def record_decisions(verdicts: Sequence[tuple[Prepared, Decision]], now: datetime, worker: str) -> None:
    """One row per decision; the sealer chains it afterwards, so that the clinic's chain is no bottleneck."""
    insert_many(
        "aftercare_event",
        ("subject", "clinic_id", "at", "kind", "actor", "code", "facts"),
        [
            (
                f"message:{each.pk}", each.row["clinic_id"], now, "decision", "worker", code_of(verdict),
                _decided_on(each, verdict, worker),
            )
            for each, verdict in verdicts
            if not _same_again(each, verdict)
        ],
    )  # fmt: skip


def _decided_on(each: Prepared, verdict: Decision, worker: str) -> str:
    return json.dumps(
        {
            "version": each.row["version_id"],
            "attempt": each.attempt_id.hex if isinstance(verdict, Go) else None,
            "until": verdict.at.isoformat() if isinstance(verdict, Later) else None,
            "state": verdict.state if isinstance(verdict, Stop) else None,
            "worker": worker,
        }
    )


def _same_again(each: Prepared, verdict: Decision) -> bool:
    """Waiting for her yes, for its confirmation, or for a calendar is asked again and again; only the first is news."""
    if not isinstance(verdict, Later) or verdict.reason not in (
        Reason.PENDING,
        Reason.UNCONFIRMED,
        Reason.FEED_SILENT,
        Reason.NEWER_FIRST,
    ):
        return False
    return bool(verdict.reason == each.row["reason"])


def code_of(verdict: Decision) -> str:
    """A decision in one word, as the record and the meters have it."""
    return "sent" if isinstance(verdict, Go) else verdict.reason
