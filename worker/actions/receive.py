"""What comes back: receipts of the provider, and what clients write. Needs the database only (P2, P11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction

from worker import sealed
from worker.actions import standing as standings
from worker.actions import verdicts
from worker.actions.answer import plan_answer
from worker.actions.audit import chained_at_the_end, record
from worker.actions.confirm_stop import confirm_stop
from worker.actions.hold import hold_standing
from worker.actions.optin import Yes, say_yes
from worker.actions.outdated import is_outdated
from worker.actions.red_flag import raise_alarm
from worker.actions.restore import restore
from worker.actions.revoke import Revocation, revoke_standing
from worker.actions.send.record import confirm_optin
from worker.actions.task import open_task
from worker.actions.visit_question import ask_about_visits
from worker.models import Attempt, Contact, Inbound, Message, Ready, Receipt, Standing, Suppression
from worker.models.attempt import MAY_HAVE_LEFT, AttemptState
from worker.models.suppression import SuppressionReason
from worker.rules.names import AnswerKind, Channel
from worker.rules.provider_words import answered_help, answered_start, answered_stop
from worker.rules.states import State, after_receipt
from worker.rules.words import Word, read

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from worker.rules.words import Reading

WENT = {State.ACCEPTED, State.DELIVERED, State.UNDELIVERED}
RECEIPT_STATUS = 200  # a receipt's code is judged as an answer to a call that was taken


@transaction.atomic
def receipt(
    *, attempt_id: uuid.UUID, provider_id: str, status: str, code: str, raw: dict[str, Any], now: datetime
) -> bool:
    """Take one status receipt, in any order, any number of times; False when no such attempt is ours.

    It proves that the message exists at the provider, so it also settles an attempt nobody knew about (rule 79).
    """
    found = Attempt.objects.filter(pk=attempt_id).first()
    if found is None:
        return False
    standing = Standing.objects.select_for_update(no_key=True).get(pk=found.standing_id)
    # Attempt before message, as our own answer takes them: the other way round the two would wait for each other.
    attempt = Attempt.objects.select_for_update(no_key=True).get(pk=attempt_id)
    message = Message.objects.select_for_update().get(pk=attempt.message_id)
    _, fresh = Receipt.objects.get_or_create(
        attempt=attempt,
        status=status[:24],
        code=code[:40],
        defaults={
            "clinic_id": attempt.clinic_id,
            "provider_id": provider_id[:320],
            "raw_sealed": sealed.seal_json(raw, "receipt.raw"),
            "received_at": now,
        },
    )
    if fresh:
        _merge(attempt, message, standing, status, code, provider_id, now)
    return True


def _merge(
    attempt: Attempt, message: Message, standing: Standing, status: str, code: str, provider_id: str, now: datetime
) -> None:
    before = State(message.state)
    after = after_receipt(before, status)
    _settle(attempt, provider_id, code, now)
    if after != before:
        Ready.objects.filter(message=message).delete()  # it was planned again, and had gone all the same
        message.state, message.reason = after, f"code:{code}"[:60] if code else ""
        message.provider_id, message.sent_at = provider_id[:320], message.sent_at or now
        message.save(update_fields=["state", "reason", "provider_id", "sent_at"])
    if after in WENT and message.kind == AnswerKind.OPTIN_CONFIRMATION:
        confirm_optin([message.pk], now=now)
    if code and after == State.UNDELIVERED:
        verdict = verdicts.judge(Channel(message.channel), code, http_status=RECEIPT_STATUS)
        verdicts.apply_effect(standing, message, verdict, now=now)


def _settle(attempt: Attempt, provider_id: str, code: str, now: datetime) -> None:
    """The attempt left, whatever we believed; its code is kept, for some codes count only when they come in a row."""
    attempt.code = code[:40] or attempt.code
    others = Attempt.objects.filter(message=attempt.message_id, state__in=MAY_HAVE_LEFT).exclude(pk=attempt.pk)
    if attempt.state != AttemptState.ACCEPTED and not others.exists():
        attempt.state, attempt.provider_id = AttemptState.ACCEPTED, provider_id[:320]
        attempt.finished_at = attempt.finished_at or now
    attempt.save(update_fields=["state", "provider_id", "code", "finished_at"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One text from a client's phone, as the provider handed it over."""

    clinic_id: int
    provider_id: str
    address: str
    body: str
    opt_out_type: str
    provider_answers: bool  # the sender's provider confirms STOP itself (rule 23)
    received_at: datetime | None = None  # by the provider's clock, where its list told us and not its webhook


@transaction.atomic
@chained_at_the_end()
def inbound_sms(reply: Reply, *, now: datetime) -> Reading:
    """Take one inbound text and obey it in the same transaction, before the provider hears our 200 (rules 19, 33)."""
    reading = read(reply.body, reply.opt_out_type or None)
    row, mailboxes = _locked(reply, reading, now)
    # The lock on the standing row makes this look-up safe: one phone's replies come one by one.
    known = Inbound.objects.filter(channel=Channel.SMS, provider_id=reply.provider_id).first()
    if known is not None and not _says_more(reading, known, row):
        return reading
    stored = known or Inbound(
        clinic_id=reply.clinic_id,
        standing=row,
        channel=Channel.SMS,
        provider_id=reply.provider_id,
        word=reading.kind,
        body_sealed=sealed.seal(reply.body, "inbound.body"),
        received_at=reply.received_at or now,
    )
    stored.word = reading.kind
    stored.save()
    if is_outdated(row, reading.kind, stored.received_at):
        _leave(row, stored, now)
        return reading
    _obey(reading, reply, row, stored, now)
    for mailbox in mailboxes:
        revoke_standing(mailbox, said=_said(reading, reply, stored), now=now)
    return reading


def _says_more(reading: Reading, known: Inbound, row: Standing) -> bool:
    """True for a STOP that was taken for less: the list lacks the provider's verdict, its webhook has it (rule 24)."""
    return reading.kind.revokes and not Word(known.word).revokes and known.standing_id == row.pk


def _leave(row: Standing, stored: Inbound, now: datetime) -> None:
    """What its sender has taken back since, heard of too late: on record, and without effect."""
    facts = {"inbound": stored.pk, "said_at": stored.received_at.isoformat()}
    record(
        clinic_id=row.clinic_id, kind="reply_outdated", subject=f"standing:{row.pk}", actor="system", at=now,
        code=stored.word, facts=facts, sealed=True,
    )  # fmt: skip


def _locked(reply: Reply, reading: Reading, now: datetime) -> tuple[Standing, list[Standing]]:
    """The phone's standing row and, if she stops everything, the mailboxes of all who share the phone (rule 25).

    All are locked before anything is written: a click on a mailbox's link, coming between, would meet us on the chain.
    """
    phone = standings.ensure(clinic_id=reply.clinic_id, channel=Channel.SMS, address=reply.address, now=now)
    clients = Contact.objects.filter(standing=phone, valid_to__isnull=True).values("client_id")
    mailboxes = Contact.objects.filter(client_id__in=clients, channel=Channel.EMAIL, valid_to__isnull=True)
    ids = mailboxes.values_list("standing_id", flat=True) if reading.everything else ()
    rows = {row.pk: row for row in standings.lock([phone, *ids])}
    return rows.pop(phone), list(rows.values())


def _obey(reading: Reading, reply: Reply, row: Standing, stored: Inbound, now: datetime) -> None:
    if reading.kind.revokes:
        _stop(reading, reply, row, stored, now)
    elif reading.kind == Word.HELP and not (reply.provider_answers and answered_help(reply.body, reply.opt_out_type)):
        once_a_day = f"help:{row.pk}:{now:%Y-%m-%d}"  # two machines that answer each other would never end (rule 31)
        since = stored.received_at
        plan_answer(row, kind=AnswerKind.HELP, cause=once_a_day, address=reply.address, now=now, since=since)
    elif reading.kind == Word.UNCLEAR:
        hold_standing(row, why="unclear_reply", source=f"inbound:{stored.pk}", now=now)
    elif reading.kind in (Word.START, Word.YES):
        _agree(reading, reply, row, stored, now)
    urgent = raise_alarm(reading, reply.body, row=row, stored=stored, address=reply.address, now=now)
    if reading.kind == Word.UNCLEAR and not urgent:
        _ask_staff(f"{reading.kind}_reply", row, stored, now)


def _agree(reading: Reading, reply: Reply, row: Standing, stored: Inbound, now: datetime) -> None:
    """YES answers our open question, START undoes this phone's own STOP; any other yes after a STOP is for staff."""
    if reading.kind == Word.YES:
        yes = Yes("sms", stored.received_at, f"inbound:{stored.pk}", {"body": reply.body})
        settled = say_yes(row, yes, now=now) or row.suppressed_at is None
    else:
        answered = reply.provider_answers and answered_start(reply.body, reply.opt_out_type)
        settled = restore(row, stored=stored, address=reply.address, body=reply.body, answered=answered, now=now)
    if not settled:
        _ask_staff(f"{reading.kind}_reply", row, stored, now)


def _stop(reading: Reading, reply: Reply, row: Standing, stored: Inbound, now: datetime) -> None:
    first = row.suppressed_at is None
    revoke_standing(row, said=_said(reading, reply, stored), now=now)
    if reading.kind == Word.WRONG_NUMBER:
        _ask_staff(f"{reading.kind}_reply", row, stored, now)
    elif reading.kind == Word.CANCEL_STOP:
        ask_about_visits(row, source=f"inbound:{stored.pk}", now=now)
    if first and not (reply.provider_answers and answered_stop(reply.body, reply.opt_out_type)):
        cause = f"inbound:{stored.pk}"
        confirm_stop(row, cause=cause, address=reply.address, since=stored.received_at, now=now)


def _said(reading: Reading, reply: Reply, stored: Inbound) -> Revocation:
    wrong = reading.kind == Word.WRONG_NUMBER
    return Revocation(
        reason=SuppressionReason.WRONG_NUMBER if wrong else SuppressionReason.KEYWORD,
        method="sms",
        by="client",
        received_at=stored.received_at,
        source=f"inbound:{stored.pk}",
        evidence={"body": reply.body, "opt_out_type": reply.opt_out_type},
    )


def _ask_staff(kind: str, row: Standing, stored: Inbound, now: datetime) -> None:
    contact = Contact.objects.filter(standing=row, valid_to__isnull=True).first()
    open_task(
        clinic_id=row.clinic_id,
        client_id=contact.client_id if contact else None,
        kind=kind,
        cause=f"inbound:{stored.pk}",
        facts={"inbound": stored.pk},
        now=now,
    )


@transaction.atomic
def unsubscribe(*, link_key: int, method: str, now: datetime) -> bool:
    """One click, or the page's button: end every purpose at that address; False when no contact has such a link."""
    contact = Contact.objects.filter(link_key=link_key).select_related("client").first()
    if contact is None or contact.address_sealed is None:
        return False
    said = Revocation(
        reason=SuppressionReason.LINK, method=method, by="client", received_at=now, source=f"contact:{contact.pk}"
    )
    row = Standing.objects.select_for_update(no_key=True).get(pk=contact.standing_id)
    # Asked of the suppressions, not of the row: a bounce that staff lift later must not lift the client's own stop.
    if Suppression.objects.filter(standing=row, reason=said.reason, lifted_at__isnull=True).exists():
        return True
    first = row.suppressed_at is None
    revoke_standing(row, said=said, now=now)
    if first and contact.channel == Channel.EMAIL:
        _confirm_by_mail(row, contact, now)
    return True


def _confirm_by_mail(row: Standing, contact: Contact, now: datetime) -> None:
    """Without its key the address can't be written to, which is no reason to undo the stop."""
    assert contact.address_sealed is not None
    try:
        address = sealed.unseal(contact.address_sealed, "contact.address")
    except sealed.Unreadable:
        return
    hers = contact if contact.valid_to is None else None  # on a shared mailbox it is hers, not the newest client's
    confirm_stop(row, cause=f"link:{contact.pk}", address=address, since=now, now=now, to=hers)
