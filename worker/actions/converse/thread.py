"""What a person does in a conversation: take it on, answer in her own words, note a call."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from django.db import transaction

from worker import sealed
from worker.actions.clients import find
from worker.actions.consent import standing as standings
from worker.actions.converse.hear import heard
from worker.actions.converse.led import Led, led_open, not_a_stop, note, refuse_unanswered, refuse_unclear
from worker.actions.converse.let_go import ASKED, done_with, let_go
from worker.actions.converse.words import checked_words
from worker.actions.receive.answer import plan_answer
from worker.models import Clinic, Contact, Conversation, Grant, Message, StaffWords
from worker.models.standing import GrantState
from worker.rules.names import AnswerKind, Channel
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Standing


class Answer(StrEnum):
    """How a person answered without writing."""

    CALLED = "called"
    SEEN = "seen"


@transaction.atomic
def reply(
    *, clinic: Clinic, conversation_id: int, words: str, by: str, key: str, now: datetime, no_stop: bool = False,
    and_close: bool = False,
) -> Message:  # fmt: skip
    """Send what a person wrote, once for each `key` (the form's own), through the gate. Raises Refusals.

    `by` is the email of one of the clinic's staff. Her consent and standing are looked at here, so that whoever wrote
    hears at once why it can't go, and again as it leaves. An unclear reply had put her address on hold: whoever read
    it and saw that it says no stop ends that hold with `no_stop`. With `and_close` all is said, and the course goes on.
    The same key again sends nothing more, but closes; with other words it is refused, for they would be lost.
    """
    found = led_open(clinic=clinic, conversation_id=conversation_id, by=by)
    conversation = found.conversation
    if no_stop:
        not_a_stop(found, now=now)
    if and_close:
        refuse_unclear(found)
    row = _writable(conversation, found.rows)
    before = Message.objects.filter(occasion=f"a:{clinic.pk}:{row.channel}:{AnswerKind.STAFF_REPLY}:{key}").first()
    said = checked_words(words, clinic=clinic, channel=Channel(row.channel))
    if before is not None:
        return _sent_before(before, said, found, and_close=and_close, now=now)
    contact = Contact.objects.filter(standing=row, client=conversation.client, valid_to__isnull=True).first()
    message = plan_answer(row, kind=AnswerKind.STAFF_REPLY, cause=key, address="", now=now, to=contact)
    if message is None:
        mend = "let a practitioner approve a protocol with a step of kind staff_reply; until then call her"
        raise Refusals([Refusal("words", "can't go out: there is no approved frame for them", mend)])
    StaffWords.objects.create(
        message=message, conversation=conversation, words_sealed=sealed.seal(said, "staff.words"),
        by=found.actor, written_at=now,
    )  # fmt: skip
    conversation.holds = True
    _answered(found, "replied", {"message": message.pk}, now)
    if and_close:
        let_go(conversation, found.rows, actor=found.actor, now=now)
    return message


def _sent_before(before: Message, said: str, found: Led, *, and_close: bool, now: datetime) -> Message:
    """The form came again: its words have gone, and only what else it asks for is done. Raises Refusals."""
    conversation = found.conversation
    kept = StaffWords.objects.filter(message=before, conversation=conversation, words_sealed__isnull=False).first()
    if kept is None or sealed.unseal(bytes(kept.words_sealed or b""), "staff.words") != said:
        mend = "open the conversation again, and write there what is new"
        raise Refusals([Refusal("words", "can't go out: this form has sent other words already", mend)])
    if and_close:
        refuse_unanswered(conversation)
        let_go(conversation, found.rows, actor=found.actor, now=now)
    return before


@transaction.atomic
def reply_fixed(*, clinic: Clinic, conversation_id: int, by: str, key: str, now: datetime) -> Message:
    """Send the approved safety reply once more by hand, once for each `key`; it is an answer. Raises Refusals.

    It tells her whom to call, so it goes while her address is on hold; never after a stop, and by text only.
    """
    found = led_open(clinic=clinic, conversation_id=conversation_id, by=by)
    row = _writable(found.conversation, found.rows, held=True)
    contact = Contact.objects.filter(standing=row, client=found.conversation.client, valid_to__isnull=True).first()
    message = None
    if row.channel == Channel.SMS:
        message = plan_answer(
            row, kind=AnswerKind.SAFETY_REPLY, cause=f"by_hand:{key}", address="", now=now, to=contact
        )
    if message is None:
        mend = "write in your own words, or call her"
        raise Refusals([Refusal("words", "can't go out: there is no approved text, or it has gone", mend)])
    _answered(found, "replied", {"message": message.pk}, now)
    return message


@transaction.atomic
def note_answer(*, clinic: Clinic, conversation_id: int, how: Answer, by: str, now: datetime) -> None:
    """Note that somebody called her, or looked and knows what to do: the clock stops. Raises Refusals."""
    _answered(led_open(clinic=clinic, conversation_id=conversation_id, by=by), how, {}, now)


@transaction.atomic
def assign(*, clinic: Clinic, conversation_id: int, by: str, now: datetime, back: bool = False) -> None:
    """Whoever says so leads it from now on, or with `back` nobody does. Raises Refusals."""
    found = led_open(clinic=clinic, conversation_id=conversation_id, by=by)
    found.conversation.taken_by = None if back else found.staff
    found.conversation.save(update_fields=["taken_by"])
    note(found, "given_back" if back else "taken", {}, now)


@transaction.atomic
def take_up(*, clinic: Clinic, client_id: int, by: str, now: datetime) -> Conversation:
    """Open a thread with a client from our side: her automated texts wait until it is closed. Raises Refusals."""
    staff = find.staff(by, clinic_id=clinic.pk, roles=find.DESK, field="by")
    contacts = Contact.objects.filter(client_id=client_id, clinic=clinic, valid_to__isnull=True).order_by("-channel")
    rows = {row.pk: row for row in standings.lock(contacts.values_list("standing_id", flat=True))}
    first = contacts.first()  # "sms" comes after "email"
    if first is None or first.standing_id not in rows:
        raise Refusals([Refusal("client", "has no address here", "call her")])
    conversation = heard(clinic.pk, client_id=client_id, row=rows[first.standing_id], holds=True, now=now)
    assert conversation is not None
    conversation.taken_by = conversation.taken_by or staff
    conversation.save(update_fields=["taken_by"])
    note(Led(staff, conversation, list(rows.values())), "taken_up", {}, now)
    return conversation


def _writable(conversation: Conversation, rows: list[Standing], *, held: bool = False) -> Standing:
    """The address where she wrote last, if she may be written to there, with `held` on hold too. Raises Refusals."""
    row = next((row for row in rows if row.pk == conversation.standing_id), None)
    if row is None or conversation.client_id is None:
        raise Refusals([Refusal("words", "can't go out: this address is no client's", "call back, or enrol her")])
    if row.suppressed_at is not None:
        raise Refusals([Refusal("words", f"can't go out: she said stop on {row.suppressed_at:%-d %B %Y}", "call her")])
    if row.held_at is not None and not held:
        mend = "read her reply; if she does not want to stop, end the hold first"
        raise Refusals([Refusal("words", "can't go out: the address is on hold", mend)])
    agreed = Grant.objects.filter(standing=row, client_id=conversation.client_id, state=GrantState.ACTIVE)
    if not agreed.exists():
        raise Refusals([Refusal("words", "can't go out: she agreed to nothing on this channel", "call her")])
    return row


def _answered(found: Led, how: str, facts: dict[str, int], now: datetime) -> None:
    conversation = found.conversation
    conversation.answered_at, conversation.answered_by = now, found.actor
    conversation.remind_at = None
    conversation.taken_by = conversation.taken_by or found.staff
    conversation.save(update_fields=["answered_at", "answered_by", "remind_at", "holds", "taken_by"])
    done_with(conversation, ASKED, actor=found.actor, now=now)
    note(found, how, facts, now)
