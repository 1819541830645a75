"""What clients write by SMS: obeyed and committed with the database alone (P2, P11; rules 19, 33)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from worker import sealed
from worker.actions.consent import standing as standings
from worker.actions.consent.hold import hold_standing
from worker.actions.consent.optin import Yes, say_yes
from worker.actions.consent.outdated import is_outdated
from worker.actions.converse.hear import heard, is_staff, spoken_first
from worker.actions.receive.answer import plan_answer
from worker.actions.receive.ask_staff import ask_staff, whose
from worker.actions.receive.follow_up import close, finish_stops, follow_up, sealed_follow_up
from worker.actions.receive.red_flag import raise_alarm
from worker.actions.receive.start import Start, leave, take_start
from worker.actions.receive.stop import stop_at_once
from worker.actions.receive.visit_answer import answer_visit
from worker.actions.record.audit import chained_at_the_end
from worker.models import Contact, Inbound
from worker.models.store import store
from worker.rules.names import AnswerKind, Channel
from worker.rules.provider_words import answered_help, answered_start, answered_stop
from worker.rules.visit_words import VisitWord
from worker.rules.words import Word, read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from worker.actions.receive.reply import Reply
    from worker.models import Standing
    from worker.rules.words import Reading


def inbound_sms(reply: Reply, *, now: datetime) -> Reading:
    """Take one inbound text, and do at once what follows from it."""
    reading = take(reply, now=now)
    if reading.kind.revokes:
        finish_stops(now=now)
    return reading


def take(reply: Reply, *, now: datetime) -> Reading:
    """Take one inbound text and obey it in one transaction, before the provider hears our 200 (rules 19, 33).

    What follows from a STOP is left to `finish_stops`: the STOP itself shall not wait for it.
    """
    reading = read(reply.body, reply.opt_out_type or None)
    if not stop_at_once(reply, reading, answered=_is_answered(reply), now=now):
        _take(reply, reading, now)
    return reading


@transaction.atomic
@chained_at_the_end()
def _take(reply: Reply, reading: Reading, now: datetime) -> None:
    phone, mailboxes = _locked(reply, reading, now)
    phone = spoken_first(phone)  # the row that it is kept at, and whose it is
    rows = [*phone, *mailboxes]
    follow_up(rows, now=now)  # what she said a moment ago comes first
    stored = _stored(reading, reply, rows, now)
    if stored is None:
        return
    # A STOP that is said just now is the last word: only one that we hear of late is looked up.
    late = stored.received_at < now or not reading.kind.revokes
    if late and is_outdated(phone, stored, reply.listed):
        leave(phone[0], stored, now)
    elif reading.kind.revokes:
        close(rows, stored, now=now)
    else:
        _obey(reading, reply, phone, stored, now)


def _stored(reading: Reading, reply: Reply, rows: Sequence[Standing], now: datetime) -> Inbound | None:
    """The text as a row of its own; None when it was obeyed before. The lock makes one phone's replies come in turn."""
    row = rows[0]
    text = Inbound(
        clinic_id=reply.clinic_id,
        standing=row,
        channel=Channel.SMS,
        provider_id=reply.provider_id,
        word=reading.kind,
        body_sealed=sealed.seal(reply.body, "inbound.body"),
        received_at=reply.received_at or now,
        follow_up_sealed=_follow_up(reply, rows) if reading.kind.revokes else None,
    )
    if store([text], unless_there="provider_id"):
        return text
    known = Inbound.objects.get(channel=Channel.SMS, provider_id=reply.provider_id)
    if not _says_more(reading, known, rows):
        return None
    known.word, known.follow_up_sealed = text.word, text.follow_up_sealed
    known.save(update_fields=["word", "follow_up_sealed"])
    return known


def _follow_up(reply: Reply, rows: Sequence[Standing]) -> bytes:
    return sealed_follow_up(rows, address=reply.address, opt_out_type=reply.opt_out_type, answered=_is_answered(reply))


def _is_answered(reply: Reply) -> bool:
    """The provider has confirmed a STOP of these words by itself (rule 23)."""
    return reply.provider_answers and answered_stop(reply.body, reply.opt_out_type)


def _says_more(reading: Reading, known: Inbound, rows: Sequence[Standing]) -> bool:
    """True for a STOP that was taken for less: the list lacks the provider's verdict, its webhook has it (rule 24)."""
    hers = known.standing_id in {row.pk for row in rows}  # on whichever row: another may speak for the phone since
    return reading.kind.revokes and not Word(known.word).revokes and hers


def _locked(reply: Reply, reading: Reading, now: datetime) -> tuple[list[Standing], list[Standing]]:
    """All rows of the phone (`consent.twins`), and if she stops everything what goes with it (rule 25).

    That is the mailboxes of all who share the phone.
    All are locked before anything is written: a click on a mailbox's link, coming between, would meet us on the chain.
    """
    whose: dict[str, Any] = {"clinic_id": reply.clinic_id, "channel": Channel.SMS, "address": reply.address}
    if not reading.everything:
        return standings.all_locked(**whose, now=now), []
    phone = standings.ensure_all(**whose, now=now)
    clients = Contact.objects.filter(standing__in=phone, valid_to__isnull=True).values("client_id")
    mailboxes = Contact.objects.filter(client_id__in=clients, channel=Channel.EMAIL, valid_to__isnull=True)
    rows = standings.lock_addresses([*phone, *mailboxes.values_list("standing_id", flat=True)])
    return [row for row in rows if row.pk in phone], [row for row in rows if row.pk not in phone]


def _obey(reading: Reading, reply: Reply, phone: Sequence[Standing], stored: Inbound, now: datetime) -> None:
    row = phone[0]
    if reading.kind == Word.HELP and not (reply.provider_answers and answered_help(reply.body, reply.opt_out_type)):
        once_a_day = f"help:{row.pk}:{now:%Y-%m-%d}"  # two machines that answer each other would never end (rule 31)
        since = stored.received_at
        plan_answer(row, kind=AnswerKind.HELP, cause=once_a_day, address=reply.address, now=now, since=since)
    elif reading.kind == Word.UNCLEAR and not is_staff(row):
        for each in phone:  # whichever her texts are planned on, it may have meant stop
            hold_standing(each, why="unclear_reply", source=f"inbound:{stored.pk}", now=now)
    elif reading.kind in (Word.CONFIRM, Word.ANOTHER_TIME):
        answer_visit(phone, word=VisitWord(reading.kind.value), stored=stored, now=now)
    elif reading.kind == Word.START:
        answered = reply.provider_answers and answered_start(reply.body, reply.opt_out_type)
        take_start(phone, stored, Start(reply.address, reply.body, answered), listed=reply.listed, now=now)
    elif reading.kind == Word.YES:
        _agree(reply, phone, stored, now)
    urgent = raise_alarm(reading, reply.body, row=row, stored=stored, address=reply.address, now=now)
    if urgent or reading.kind not in (Word.NONE, Word.UNCLEAR):
        return
    talk = heard(row.clinic_id, client_id=whose(row), row=row, holds=reading.kind == Word.UNCLEAR, now=now)
    if reading.kind == Word.UNCLEAR and talk is not None:
        ask_staff(f"{reading.kind}_reply", row, stored, now, talk=talk)


def _agree(reply: Reply, phone: Sequence[Standing], stored: Inbound, now: datetime) -> None:
    """YES answers our open question, else the reminder of a visit; any other yes after a STOP is for staff.

    A stop of any row is one of the phone (P2).
    """
    yes = Yes("sms", stored.received_at, f"inbound:{stored.pk}", {"body": reply.body})
    if say_yes(phone, yes, now=now):
        return
    if all(row.suppressed_at is None for row in phone):  # nothing of ours was open but the reminder: "yes, I come"
        answer_visit(phone, word=VisitWord.CONFIRM, stored=stored, now=now)
    else:
        ask_staff(f"{Word.YES}_reply", phone[0], stored, now)
