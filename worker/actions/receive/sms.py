"""What clients write by SMS: obeyed and committed with the database alone (P2, P11; rules 19, 33)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction

from worker import sealed
from worker.actions.consent import standing as standings
from worker.actions.consent.hold import hold_standing
from worker.actions.consent.optin import Yes, say_yes
from worker.actions.consent.outdated import is_outdated
from worker.actions.consent.restore import restore
from worker.actions.consent.revoke import Revocation, revoke_standing
from worker.actions.receive.answer import plan_answer
from worker.actions.receive.confirm_stop import confirm_stop
from worker.actions.receive.red_flag import raise_alarm
from worker.actions.receive.visit_answer import answer_visit
from worker.actions.receive.visit_question import ask_about_visits
from worker.actions.record.audit import chained_at_the_end, record
from worker.actions.record.task import open_task
from worker.models import Contact, Inbound
from worker.models.store import store
from worker.models.suppression import SuppressionReason
from worker.rules.names import AnswerKind, Channel
from worker.rules.provider_words import answered_help, answered_start, answered_stop
from worker.rules.visit_words import VisitWord
from worker.rules.words import Word, read

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Standing
    from worker.rules.words import Reading


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
    stored = _stored(reading, reply, row, now)
    if stored is None:
        return reading
    # A STOP that is said just now is the last word: only one that we hear of late is looked up.
    if (stored.received_at < now or not reading.kind.revokes) and is_outdated(row, reading.kind, stored.received_at):
        _leave(row, stored, now)
        return reading
    _obey(reading, reply, row, stored, now)
    for mailbox in mailboxes:
        revoke_standing(mailbox, said=_said(reading, reply, stored), now=now)
    return reading


def _stored(reading: Reading, reply: Reply, row: Standing, now: datetime) -> Inbound | None:
    """The text as a row of its own; None when it was obeyed before. The lock makes one phone's replies come in turn."""
    text = Inbound(
        clinic_id=reply.clinic_id,
        standing=row,
        channel=Channel.SMS,
        provider_id=reply.provider_id,
        word=reading.kind,
        body_sealed=sealed.seal(reply.body, "inbound.body"),
        received_at=reply.received_at or now,
    )
    if store([text], unless_there=True):
        return text
    known = Inbound.objects.get(channel=Channel.SMS, provider_id=reply.provider_id)
    if not _says_more(reading, known, row):
        return None
    known.word = reading.kind
    known.save(update_fields=["word"])
    return known


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
    whose: dict[str, Any] = {"clinic_id": reply.clinic_id, "channel": Channel.SMS, "address": reply.address}
    if not reading.everything:
        return standings.locked(**whose, now=now), []
    phone = standings.ensure(**whose, now=now)
    clients = Contact.objects.filter(standing=phone, valid_to__isnull=True).values("client_id")
    mailboxes = Contact.objects.filter(client_id__in=clients, channel=Channel.EMAIL, valid_to__isnull=True)
    rows = {row.pk: row for row in standings.lock([phone, *mailboxes.values_list("standing_id", flat=True)])}
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
    elif reading.kind in (Word.CONFIRM, Word.ANOTHER_TIME):
        answer_visit(row, word=VisitWord(reading.kind.value), stored=stored, now=now)
    elif reading.kind in (Word.START, Word.YES):
        _agree(reading, reply, row, stored, now)
    urgent = raise_alarm(reading, reply.body, row=row, stored=stored, address=reply.address, now=now)
    if reading.kind == Word.UNCLEAR and not urgent:
        _ask_staff(f"{reading.kind}_reply", row, stored, now)


def _agree(reading: Reading, reply: Reply, row: Standing, stored: Inbound, now: datetime) -> None:
    """YES answers our open question, START undoes this phone's own STOP; any other yes after a STOP is for staff."""
    if reading.kind == Word.YES:
        yes = Yes("sms", stored.received_at, f"inbound:{stored.pk}", {"body": reply.body})
        settled = say_yes(row, yes, now=now)
        if not settled and row.suppressed_at is None:  # nothing of ours was open but the reminder: "yes, I come"
            answer_visit(row, word=VisitWord.CONFIRM, stored=stored, now=now)
            settled = True
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
