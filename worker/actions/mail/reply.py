"""A mail that a client wrote: read like a text message, and obeyed in the same transaction (rules 17, 27, 124)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from worker import sealed
from worker.actions.consent import standing as standings
from worker.actions.consent.hold import hold_standing
from worker.actions.consent.outdated import was_agreed_since
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import Ended, revoke_standings
from worker.actions.consent.twins import rows_of, twins_of
from worker.actions.converse.hear import heard, is_staff, spoken_first
from worker.actions.receive.ask_staff import ask_staff, whose
from worker.actions.receive.confirm_stop import confirm_stop
from worker.actions.receive.follow_up import follow_up
from worker.actions.receive.red_flag import call_for_help
from worker.actions.receive.visit_answer import answer_visit
from worker.actions.receive.visit_question import ask_about_visits
from worker.actions.record.audit import record
from worker.models import Contact, Inbound, Standing
from worker.models.suppression import SuppressionReason
from worker.rules.names import Channel
from worker.rules.red_flags import is_red_flag
from worker.rules.visit_words import VisitWord
from worker.rules.words import Reading, Word, read

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

FOR_STAFF = frozenset({Word.UNCLEAR, Word.START, Word.HELP})
METHOD = "mail"
UNCLEAR, ELSEWHERE = "unclear_reply", "from_another_address"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailReply:
    """One mail of a person, as far as it is read.

    Args:
        key: the same for the same mail, whichever way it comes (hex).
        sender: whose it says it is, folded; "" when it does not say.
        clinics: the clinics it may be for; all of them when nobody can tell.
        named: the standing row of the address that our own token in it names, None without one.
        by_link: that token is her unsubscribe link's own, so whoever holds it may end what it came with.
        subject: without "Re:" and kin.
        words: the new words, without quotation.
        unread: there may be words that nobody could read.
        received_at: when the mail server took it, aware UTC.
    """

    key: str
    sender: str
    clinics: tuple[int, ...]
    named: int | None
    by_link: bool
    subject: str
    words: str
    unread: bool
    received_at: datetime


@transaction.atomic
def mail_reply(reply: MailReply, *, now: datetime) -> Reading:
    """Take one mail and obey it; the same mail twice is one, and a stranger's changes nothing but his own address.

    A mail under our token from somebody else's address holds the mailbox that the token names, and a person looks:
    an alias, or a friend whom it was forwarded to (rule 17: in doubt, nothing is sent).
    """
    reading = read_mail(reply.subject, reply.words)
    if reply.unread and reading.kind == Word.NONE:
        reading = Reading(Word.UNCLEAR)
    known = _known(reply)
    elsewhere = reply.named is not None and not reply.by_link and not any(reply.named in rows for rows in known)
    chosen = [reply.named] if reply.named is not None else [rows[0] for rows in known]
    if not chosen and reading.kind.revokes and len(reply.clinics) == 1 and reply.sender:
        # A STOP of an address that nobody gave us yet is kept as well (rule 34).
        chosen = [standings.ensure(clinic_id=reply.clinics[0], channel=Channel.EMAIL, address=reply.sender, now=now)]
    everything = reading.everything and reading.kind.revokes and not elsewhere
    locked = {row.pk: row for row in standings.lock_addresses(_reached(chosen, known, everything=everything))}
    follow_up(locked.values(), now=now)
    for pk in chosen:
        more = [each for each in locked.values() if each.clinic_id == locked[pk].clinic_id and each.pk != pk]
        _take(locked[pk], reply, reading, more, elsewhere=elsewhere, now=now)
    return reading


def read_mail(subject: str, words: str) -> Reading:
    """What a mail means: its words, and its subject where that says stop, or where it is all that was written."""
    body = read(words)
    if body.kind.revokes or not subject:
        return body
    titled = read(subject)
    return titled if titled.kind.revokes else body


def _known(reply: MailReply) -> list[list[int]]:
    """The rows of the sender's own address in each clinic that the mail may be for: one, or with a twin two."""
    if not reply.sender:
        return []
    found = [rows_of(clinic_id, Channel.EMAIL, reply.sender) for clinic_id in reply.clinics]
    return [rows for rows in found if rows]


def _reached(chosen: list[int], known: list[list[int]], *, everything: bool) -> set[int]:
    """The rows of the mailboxes it is from, and of the phones if she stops everything (rule 25); twins may be missing.

    What the sender's own address tells is kept: a mailbox of nobody has nothing else that tells of its twin.
    """
    boxes = {*chosen, *(pk for rows in known if set(rows) & set(chosen) for pk in rows)}
    return {*boxes, *_phones({*boxes, *twins_of(boxes)})} if everything else boxes


def _phones(mailboxes: Iterable[int]) -> list[int]:
    """The phones of all who share those mailboxes: "stop everything" means them too (rule 25)."""
    clients = Contact.objects.filter(standing__in=list(mailboxes), valid_to__isnull=True).values("client_id")
    phones = Contact.objects.filter(client_id__in=clients, channel=Channel.SMS, valid_to__isnull=True)
    return list(phones.values_list("standing_id", flat=True).distinct())


def _take(
    named: Standing, reply: MailReply, reading: Reading, more: list[Standing], *, elsewhere: bool, now: datetime
) -> None:
    row, *_ = spoken_first([named, *(each for each in more if each.channel == named.channel)])
    more = [each for each in (named, *more) if each.pk != row.pk]
    stored, fresh = Inbound.objects.get_or_create(
        channel=Channel.EMAIL,
        provider_id=f"{reply.key[:48]}:{named.pk}",  # not of who speaks: the mail may come again once she is enrolled
        defaults={
            "clinic_id": row.clinic_id,
            "standing": row,
            "word": reading.kind,
            "body_sealed": sealed.seal(_as_written(reply), "inbound.body"),
            "received_at": reply.received_at,
        },
    )
    if not fresh:
        return
    asks, talk = _obey(row, stored, reply, reading, more, elsewhere=elsewhere, now=now), None
    if reading.kind != Word.NONE and is_red_flag(reply.words):
        call_for_help(row, stored, now=now)
        asks = "" if asks == UNCLEAR else asks  # whoever is called reads the same words
    elif reading.kind in (Word.NONE, Word.UNCLEAR):
        talk = heard(row.clinic_id, client_id=whose(row), row=row, holds=reading.kind == Word.UNCLEAR, now=now)
    if asks:
        ask_staff(asks, row, stored, now, talk=talk)


def _obey(
    row: Standing, stored: Inbound, reply: MailReply, reading: Reading, more: list[Standing], *, elsewhere: bool,
    now: datetime,
) -> str:  # fmt: skip
    """Do what the mail says, and return what staff are to look at: the kind of a task, "" for nothing."""
    if reading.kind == Word.UNCLEAR and is_staff(row):
        return ""
    mailbox = [row, *(each for each in more if each.channel == row.channel)]
    if elsewhere and (reading.kind.revokes or reading.kind == Word.UNCLEAR):
        _hold(mailbox, ELSEWHERE, stored, now)
        return ELSEWHERE
    if reading.kind.revokes:
        if was_agreed_since(mailbox, reply.received_at):
            _leave(row, stored, now)
            return ""
        _stop(row, stored, reply, reading, more, now)
        return "wrong_number_reply" if reading.kind == Word.WRONG_NUMBER else ""
    if reading.kind == Word.UNCLEAR:
        _hold(mailbox, UNCLEAR, stored, now)
    elif reading.kind in (Word.CONFIRM, Word.ANOTHER_TIME) and not elsewhere:
        answer_visit(mailbox, word=VisitWord(reading.kind.value), stored=stored, now=now)
    return f"{reading.kind}_reply" if reading.kind in FOR_STAFF else ""


def _stop(
    row: Standing, stored: Inbound, reply: MailReply, reading: Reading, more: list[Standing], now: datetime
) -> None:
    first = row.suppressed_at is None
    wrong = reading.kind == Word.WRONG_NUMBER
    said = Revocation(
        reason=SuppressionReason.WRONG_NUMBER if wrong else SuppressionReason.LINK,
        method=METHOD,
        by="client",
        received_at=reply.received_at,
        source=f"inbound:{stored.pk}",
        evidence={"subject": reply.subject, "body": reply.words},
    )
    revoke_standings([Ended(each, said, already=each.suppressed_at is not None) for each in (row, *more)], now=now)
    if reading.kind == Word.CANCEL_STOP:
        ask_about_visits(row, source=f"inbound:{stored.pk}", now=now)
    # Nobody whom we do not know is written to: From may be forged.
    if first and row.contacts.filter(valid_to__isnull=True).exists():
        cause = f"inbound:{stored.pk}"
        confirm_stop(row, cause=cause, address=reply.sender, since=reply.received_at, now=now)


def _hold(mailbox: list[Standing], why: str, stored: Inbound, now: datetime) -> None:
    for each in mailbox:
        hold_standing(each, why=why, source=f"inbound:{stored.pk}", now=now)


def _leave(row: Standing, stored: Inbound, now: datetime) -> None:
    """An old STOP that she has taken back since: on record, and without effect."""
    record(
        clinic_id=row.clinic_id,
        kind="stop_outdated",
        subject=f"standing:{row.pk}",
        actor="system",
        at=now,
        code=stored.word,
        facts={"inbound": stored.pk, "said_at": stored.received_at.isoformat()},
        sealed=True,
    )


def _as_written(reply: MailReply) -> str:
    return f"{reply.subject}\n\n{reply.words}"
