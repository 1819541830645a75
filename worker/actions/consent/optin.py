"""Double opt-in: one question, one yes by the person herself, or nothing (rules 6, 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction

from worker import rendering
from worker.actions.consent import ledger
from worker.actions.consent import standing as standings
from worker.actions.consent.twins import twins_of
from worker.actions.course.replan import confirmation
from worker.actions.receive.answer import plan_answer
from worker.actions.receive.follow_up import follow_up
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.models import Approval, Contact, Grant, Message, Standing, Step
from worker.rules.consent import Act, GrantState, asked_until
from worker.rules.names import AnswerKind, Channel, Purpose
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from worker.models import Clinic, ProtocolVersion

PUT = (
    State.SENDING, State.ACCEPTED, State.DELIVERED, State.UNDELIVERED, State.UNKNOWN, State.UNRESOLVED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Yes:
    """How a person agreed; `evidence` (the reply as written) is sealed."""

    method: str
    happened_at: datetime
    source: str
    evidence: dict[str, Any]


def has_question(clinic: Clinic, channel: Channel, *, version: ProtocolVersion | None, now: datetime) -> bool:
    """True when an approved opt-in question can be put on that channel: the version's own, or any of the clinic's."""
    approved = Approval.objects.filter(
        withdrawn_at__isnull=True, review_by__gt=now, version__protocol__clinic_id=clinic.pk
    )
    steps = Step.objects.filter(kind=AnswerKind.OPTIN_QUESTION, version__in=approved.values("version"))
    if version is not None:
        steps = steps.filter(version=version)
    return any(
        channel in rendering.version(step.version.document).source.step(step.code).rule.channels
        for step in steps.select_related("version")
    )


def ask(contact: Contact, *, address: str, now: datetime) -> Message | None:
    """Put the one question to a contact whose consents wait for it, in the caller's transaction.

    The caller holds the standing's lock and has written the acts; each time of asking is a cause of its own.
    """
    return plan_answer(
        contact.standing,
        kind=AnswerKind.OPTIN_QUESTION,
        cause=f"contact:{contact.pk}:{now.isoformat()}",
        address=address,
        now=now,
        until=asked_until(now, contact.clinic.optin_hours),
        to=contact,
    )


def waiting_since(contact: Contact) -> datetime | None:
    """Since when the contact's consents wait for a yes; None when none does."""
    first = _pending(contact.standing, contact.client_id).order_by("changed_at").first()
    return first.changed_at if first else None


def is_open(contact: Contact, now: datetime) -> bool:
    """True while a yes of this contact would count."""
    twins = Standing.objects.filter(pk__in=twins_of([contact.standing_id]))
    return _counts(contact, [contact.standing, *twins], now)


def _counts(contact: Contact, rows: Iterable[Standing], now: datetime) -> bool:
    """The same where the caller knows all rows of the address: once one of them is stopped, no yes counts (P2)."""
    since = waiting_since(contact)
    mine = contact.valid_to is None and all(row.suppressed_at is None for row in rows)
    return mine and since is not None and now < asked_until(since, contact.clinic.optin_hours)


def say_yes(phone: Sequence[Standing], yes: Yes, *, now: datetime) -> bool:
    """Take a YES from a phone, all rows of which are locked; True when it opened something or was put before staff.

    It answers only a question that was put to that phone before and is still open, on whichever row that waits. Of two
    people who share the phone nobody can tell who said it: then nothing opens, and a person asks.
    """
    at = yes.happened_at
    known = Contact.objects.filter(standing__in=phone, valid_to__isnull=True).select_related("client", "clinic")
    asked = [contact for contact in known if _was_put(contact, at) and _counts(contact, phone, at)]
    if len(asked) == 1:
        _confirm(asked[0], yes, now)
    elif asked:
        open_task(
            clinic_id=phone[0].clinic_id, client_id=None, kind="whose_yes", cause=f"whose_yes:{yes.source}",
            facts={"clients": [each.client_id for each in asked], "source": yes.source}, now=now,
        )  # fmt: skip
    return bool(asked)


@transaction.atomic
def press_yes(*, contact: Contact, now: datetime) -> bool:
    """Take the yes from the page behind the question's link; False, and no effect, when nothing waits for it."""
    rows = {row.pk: row for row in standings.lock_addresses([contact.standing_id])}
    follow_up(rows.values(), now=now)
    mine = Contact.objects.select_related("client", "clinic", "standing").get(pk=contact.pk)
    if not _counts(mine, rows.values(), now):
        return False
    mine.standing = rows[mine.standing_id]
    _confirm(mine, Yes(method="link", happened_at=now, source=f"contact:{mine.pk}", evidence={"pressed": "yes"}), now)
    return True


def _was_put(contact: Contact, said_at: datetime) -> bool:
    """True when the newest question to this person had left before she answered."""
    since = waiting_since(contact)
    put = Message.objects.filter(contact=contact, kind=AnswerKind.OPTIN_QUESTION, state__in=PUT)
    return since is not None and put.filter(created_at__gte=since, decided_at__lte=said_at).exists()


def _confirm(contact: Contact, yes: Yes, now: datetime) -> None:
    row, client = contact.standing, contact.client
    purposes = [Purpose(grant.purpose) for grant in _pending(row, client.pk).order_by("pk")]
    question = Message.objects.filter(contact=contact, kind=AnswerKind.OPTIN_QUESTION).order_by("-pk").first()
    evidence = yes.evidence | {"question": question.pk if question else None}
    acts = [
        ledger.ConsentAct(
            client_id=client.pk, purpose=purpose, act=Act.CONFIRMED, method=yes.method, happened_at=yes.happened_at,
            zone=client.zone, recorded_by="client", language=client.language, source=yes.source, evidence=evidence,
        )
        for purpose in purposes
    ]  # fmt: skip
    ledger.write(row, acts, now=now)
    _touch(row, now)
    planned = confirmation(client, channel=Channel(row.channel), now=now)
    record(
        clinic_id=row.clinic_id, kind="confirmed", subject=f"client:{client.pk}", actor="client", at=now,
        code=yes.method, facts={"purposes": purposes, "channel": row.channel, "messages": len(planned)}, sealed=True,
    )  # fmt: skip


def ask_acts(
    purposes: Iterable[Purpose], *, client_id: int, zone: str, by: str, happened_at: datetime
) -> list[ledger.ConsentAct]:
    """The acts that make consents wait for the person's own yes."""
    return [
        ledger.ConsentAct(
            client_id=client_id, purpose=purpose, act=Act.ASKED, method="double_opt_in", happened_at=happened_at,
            zone=zone, recorded_by=by,
        )
        for purpose in purposes
    ]  # fmt: skip


def _pending(row: Standing, client_id: int) -> Any:
    return Grant.objects.filter(standing=row, client=client_id, state=GrantState.PENDING)


def _touch(row: Standing, now: datetime) -> None:
    row.changed_at = now
    row.save(update_fields=["changed_at"])
