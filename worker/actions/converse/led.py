"""Who leads a conversation, and what she needs locked for each act in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from worker.actions.clients import find
from worker.actions.consent import standing as standings
from worker.actions.consent.release import release_row
from worker.actions.converse.let_go import UNCLEAR
from worker.actions.record.audit import record
from worker.models import Contact, Conversation
from worker.rules.refusal import Refusal, Refusals
from worker.rules.release import ReleaseReason

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Clinic, Staff, Standing


class Led(NamedTuple):
    """Who acts, the conversation, and the standing rows of all its addresses; rows and conversation are locked."""

    staff: Staff
    conversation: Conversation
    rows: list[Standing]

    @property
    def actor(self) -> str:
        """As the record names her."""
        return f"staff:{self.staff.pk}"


def led(*, clinic: Clinic, conversation_id: int, by: str) -> Led:
    """One conversation of a clinic, open or closed, for one of its staff (`by` is her email). Raises Refusals.

    Rows are locked before the conversation, as whoever hears a reply does.
    """
    staff = find.staff(by, clinic_id=clinic.pk, roles=find.DESK, field="by")
    found = Conversation.objects.filter(pk=conversation_id, clinic=clinic)
    before = found.first()
    if before is None:
        raise Refusals([Refusal("conversation", "is not known here", "open it from the inbox")])
    hers = Contact.objects.filter(client_id=before.client_id, valid_to__isnull=True) if before.client_id else None
    ids = {before.standing_id, *(hers.values_list("standing_id", flat=True) if hers is not None else ())}
    rows = standings.lock_addresses(pk for pk in ids if pk is not None)  # her words may hold each row of an address
    return Led(staff, found.select_for_update(no_key=True).get(), rows)


def led_open(*, clinic: Clinic, conversation_id: int, by: str) -> Led:
    """The same of a conversation that is open. Raises Refusals."""
    found = led(clinic=clinic, conversation_id=conversation_id, by=by)
    if found.conversation.closed_at is not None:
        raise Refusals([Refusal("conversation", "is closed", "reopen it, or write from the client's page")])
    return found


def unclear(rows: list[Standing]) -> list[Standing]:
    """The addresses on hold because of her own words; what a provider reported is looked into elsewhere."""
    return [row for row in rows if row.held_why == UNCLEAR and row.suppressed_at is None]


def not_a_stop(found: Led, *, now: datetime) -> None:
    """Whoever read her words says that they ask for no stop: the hold that they made ends, and no other."""
    for row in unclear(found.rows):
        release_row(row, actor=found.actor, reason=ReleaseReason.HARMLESS, now=now, only=UNCLEAR)


def refuse_unclear(found: Led) -> None:
    """A reply that may mean stop is not closed away, on whichever address it came (rule 17). Raises Refusals."""
    if unclear(found.rows):
        mend = "say that she does not want to stop (no_stop), or end her messages"
        raise Refusals([Refusal("no_stop", "is not said: her reply may mean stop", mend)])


def refuse_unanswered(conversation: Conversation) -> None:
    """A warning sign that nobody answered is not closed away (rule 41). Raises Refusals."""
    if conversation.red_at is not None and conversation.answered_at is None:
        raise Refusals([Refusal("conversation", "has a warning sign that nobody answered", "answer it, or call her")])


def note(found: Led, what: str, facts: dict[str, int], now: datetime) -> None:
    """Write down who did what in it, and when."""
    conversation = found.conversation
    record(
        clinic_id=conversation.clinic_id, kind="conversation", subject=f"conversation:{conversation.pk}",
        actor=found.actor, at=now, code=what, facts={"client": conversation.client_id, **facts}, sealed=True,
    )  # fmt: skip
