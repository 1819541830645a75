"""What a person does in a thread: take it up, answer in her own words, note a call, close it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from django.db import transaction

from worker import sealed
from worker.actions.clients import find
from worker.actions.consent import standing as standings
from worker.actions.consent.release import release_row
from worker.actions.converse.hear import heard
from worker.actions.converse.words import checked_words
from worker.actions.receive.answer import plan_answer
from worker.actions.record.audit import record
from worker.models import Clinic, Contact, Conversation, Grant, Message, StaffTask, StaffWords
from worker.models.standing import GrantState
from worker.rules.gate import Reason
from worker.rules.names import AnswerKind, Channel
from worker.rules.refusal import Refusal, Refusals
from worker.rules.release import ReleaseReason
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Staff, Standing

UNCLEAR = "unclear_reply"
ANSWERED = ("red_flag_reply", "red_flag_checkin", "red_flag_unanswered", "nobody_on_call")


class Answer(StrEnum):
    """How a person answered without writing."""

    CALLED = "called"
    SEEN = "seen"


@transaction.atomic
def reply(
    *, clinic: Clinic, conversation_id: int, words: str, by: str, key: str, now: datetime, no_stop: bool = False
) -> Message:
    """Send what a person wrote, once for each `key` (the form's own), through the gate. Raises Refusals.

    `by` is the email of one of the clinic's staff. Her consent and standing are looked at here, so that whoever wrote
    hears at once why it can't go, and again as it leaves. An unclear reply had put her address on hold: whoever read
    it and saw that it says no stop ends that hold with `no_stop`.
    """
    staff, conversation, rows = _locked(clinic, conversation_id, by)
    if no_stop:
        _unhold(conversation, rows, staff, now)
    row = _writable(conversation, rows)
    before = Message.objects.filter(occasion=f"a:{clinic.pk}:{row.channel}:{AnswerKind.STAFF_REPLY}:{key}").first()
    if before is not None:
        return before
    said = checked_words(words, clinic=clinic, channel=Channel(row.channel))
    contact = Contact.objects.filter(standing=row, client=conversation.client, valid_to__isnull=True).first()
    message = plan_answer(row, kind=AnswerKind.STAFF_REPLY, cause=key, address="", now=now, to=contact)
    if message is None:
        mend = "let a practitioner approve a protocol with a step of kind staff_reply; until then call her"
        raise Refusals([Refusal("words", "can't go out: there is no approved frame for them", mend)])
    StaffWords.objects.create(
        message=message, conversation=conversation, words_sealed=sealed.seal(said, "staff.words"),
        by=f"staff:{staff.pk}", written_at=now,
    )  # fmt: skip
    conversation.holds = True
    _answered(conversation, staff, "replied", {"message": message.pk}, now)
    return message


@transaction.atomic
def note_answer(*, clinic: Clinic, conversation_id: int, how: Answer, by: str, now: datetime) -> None:
    """Note that somebody called her, or looked and knows what to do: the clock stops. Raises Refusals."""
    staff, conversation, _ = _locked(clinic, conversation_id, by)
    _answered(conversation, staff, how, {}, now)


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
    _note(conversation, staff, "taken_up", {}, now)
    return conversation


@transaction.atomic
def close(*, clinic: Clinic, conversation_id: int, by: str, now: datetime) -> int:
    """End a conversation; how many messages go on, each through every gate anew. Raises Refusals.

    A red flag that nobody answered can't be closed away.
    """
    staff, conversation, rows = _locked(clinic, conversation_id, by)
    if conversation.red_at is not None and conversation.answered_at is None:
        raise Refusals([Refusal("conversation", "has a warning sign that nobody answered", "answer it, or call her")])
    conversation.closed_at, conversation.closed_by, conversation.remind_at = now, f"staff:{staff.pk}", None
    conversation.save(update_fields=["closed_at", "closed_by", "remind_at"])
    waiting = Message.objects.filter(
        standing__in=[row.pk for row in rows], state=State.HELD, reason=Reason.CONVERSATION
    ).order_by("pk")
    count = waiting.update(state=State.PLANNED, reason="")  # what another thread still holds, the gate holds again
    _note(conversation, staff, "closed", {"messages": count}, now)
    return count


def _locked(clinic: Clinic, conversation_id: int, by: str) -> tuple[Staff, Conversation, list[Standing]]:
    """Who acts, the open conversation and the standing rows of all its addresses, locked in that order: rows first."""
    staff = find.staff(by, clinic_id=clinic.pk, roles=find.DESK, field="by")
    found = Conversation.objects.filter(pk=conversation_id, clinic=clinic)
    before = found.first()
    if before is None:
        raise Refusals([Refusal("conversation", "is not known here", "open it from the inbox")])
    hers = Contact.objects.filter(client_id=before.client_id, valid_to__isnull=True) if before.client_id else None
    ids = {before.standing_id, *(hers.values_list("standing_id", flat=True) if hers is not None else ())}
    rows = standings.lock(pk for pk in ids if pk is not None)
    conversation = found.select_for_update(no_key=True).get()
    if conversation.closed_at is not None:
        raise Refusals([Refusal("conversation", "is closed", "open a new one from the client's page")])
    return staff, conversation, rows


def _unhold(conversation: Conversation, rows: list[Standing], staff: Staff, now: datetime) -> None:
    """Only the hold that her own words made: what a provider reported is looked into elsewhere."""
    for row in rows:
        if row.pk == conversation.standing_id and row.held_why == UNCLEAR:
            release_row(row, actor=f"staff:{staff.pk}", reason=ReleaseReason.HARMLESS, now=now)


def _writable(conversation: Conversation, rows: list[Standing]) -> Standing:
    """The address where she wrote last, if she may be written to there. Raises Refusals."""
    row = next((row for row in rows if row.pk == conversation.standing_id), None)
    if row is None or conversation.client_id is None:
        raise Refusals([Refusal("words", "can't go out: this address is no client's", "call back, or enrol her")])
    if row.suppressed_at is not None:
        raise Refusals([Refusal("words", f"can't go out: she said stop on {row.suppressed_at:%-d %B %Y}", "call her")])
    if row.held_at is not None:
        mend = "read her reply; if she does not want to stop, end the hold first"
        raise Refusals([Refusal("words", "can't go out: the address is on hold", mend)])
    agreed = Grant.objects.filter(standing=row, client_id=conversation.client_id, state=GrantState.ACTIVE)
    if not agreed.exists():
        raise Refusals([Refusal("words", "can't go out: she agreed to nothing on this channel", "call her")])
    return row


def _answered(conversation: Conversation, staff: Staff, how: str, facts: dict[str, int], now: datetime) -> None:
    conversation.answered_at, conversation.answered_by = now, f"staff:{staff.pk}"
    conversation.remind_at = None
    conversation.save(update_fields=["answered_at", "answered_by", "remind_at", "holds"])
    tasks = StaffTask.objects.filter(clinic_id=conversation.clinic_id, kind__in=ANSWERED, done_at__isnull=True)
    tasks.filter(facts__conversation=conversation.pk).update(done_at=now, done_by=f"staff:{staff.pk}")
    _note(conversation, staff, how, facts, now)


def _note(conversation: Conversation, staff: Staff, what: str, facts: dict[str, int], now: datetime) -> None:
    record(
        clinic_id=conversation.clinic_id, kind="conversation", subject=f"conversation:{conversation.pk}",
        actor=f"staff:{staff.pk}", at=now, code=what, facts={"client": conversation.client_id, **facts}, sealed=True,
    )  # fmt: skip
