"""One conversation with a client: what she and the clinic said to each other, and what may be written to her now."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from worker import rendering, sealed
from worker.models import Attempt, CheckinAnswer, Contact, Conversation, Event, Grant, Inbound, Message, Staff
from worker.models.standing import GrantState
from worker.reading.directory import name_of
from worker.rules.gate import Reason
from worker.rules.names import AnswerKind, MessageClass
from worker.rules.red_flags import is_red_flag
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from worker.models import Standing

MANY = 60  # of the newest on each side
UNCLEAR = "unclear_reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing that was said or done, and when; `side` is hers, ours (sent by rule), typed (by a person) or act."""

    at: datetime
    side: str
    channel: str = ""
    subject: str = ""
    text: str = ""
    who: str = ""
    state: str = ""
    code: str = ""
    message: int | None = None
    red: bool = False
    answers: list[tuple[str, str]] = field(default_factory=list)  # a check-in's questions with her "yes" or "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The page's whole content, read in nine queries at most."""

    conversation: Conversation
    name: str
    zone: str
    said: list[Said]
    row: Standing | None  # where a reply goes
    channel: str
    agreed: bool
    may_mean_stop: bool
    waiting: int  # her messages that this conversation holds up
    red: bool  # a warning sign that nobody answered

    @property
    def may_write(self) -> bool:
        """True where a person's words would pass consent and standing now; the gate looks again as they leave."""
        row = self.row
        if row is None or not self.agreed or row.suppressed_at is not None:
            return False
        return row.held_at is None or row.held_why == UNCLEAR


def thread(conversation: Conversation) -> Thread:
    """Read it all; its clinic was checked by the caller (P10). Give it with client, standing and taken_by."""
    client = conversation.client
    contacts = list(Contact.objects.filter(client=client).select_related("standing")) if client else []
    rows = {each.standing_id: each.standing for each in contacts if each.valid_to is None}
    row = conversation.standing if client is None or conversation.standing_id in rows else None
    staff = _names(conversation.clinic_id)
    messages = _messages(conversation)
    said = [_ours(each, staff) for each in messages if each.state != State.HELD]
    said += [*_hers(conversation, contacts), *_tapped(conversation), *_acts(conversation, staff)]
    holders = [each for each in (*rows.values(), row) if each is not None]
    return Thread(
        conversation=conversation,
        name=name_of(client) if client else "",
        zone=client.zone if client is not None and client.zone_is_known else conversation.clinic.zone,
        said=sorted(said, key=lambda each: each.at),
        row=row,
        channel=row.channel if row else "",
        agreed=client is not None and row is not None and _agreed(conversation),
        may_mean_stop=any(each.held_why == UNCLEAR and each.suppressed_at is None for each in holders),
        waiting=sum(each.state == State.HELD for each in messages),
        red=conversation.closed_at is None and conversation.red_at is not None and conversation.answered_at is None,
    )


def _agreed(conversation: Conversation) -> bool:
    active = Grant.objects.filter(standing=conversation.standing_id, client=conversation.client_id)
    return active.filter(state=GrantState.ACTIVE).exists()


def _names(clinic_id: int) -> dict[str, str]:
    return {f"staff:{pk}": name for pk, name in Staff.objects.filter(clinic=clinic_id).values_list("pk", "name")}


def _messages(conversation: Conversation) -> list[Message]:
    """What left or was written by hand, and what waits for the end of this conversation; never an alert to staff."""
    whose = {"client": conversation.client_id} if conversation.client_id else {"standing": conversation.standing_id}
    mine = Message.objects.filter(**whose).exclude(cls=MessageClass.STAFF)
    left = Q(sent_at__isnull=False) | Q(kind=AnswerKind.STAFF_REPLY)
    waits = Q(state=State.HELD, reason=Reason.CONVERSATION)
    body = Attempt.objects.filter(message=OuterRef("pk")).order_by("-decided_at").values("body_sealed")
    rows = mine.filter(left | waits).select_related("step", "staff_words").annotate(body=Subquery(body[:1]))
    return list(rows.order_by(Coalesce("sent_at", F("due_at")).desc())[:MANY])


def _ours(row: Message, staff: dict[str, str]) -> Said:
    written = getattr(row, "staff_words", None)
    body = _unsealed(row.body, "attempt.body")  # type: ignore[attr-defined] # annotated
    said = json.loads(body) if body else {}
    text = said.get("text", "") or (_unsealed(written.words_sealed, "staff.words") if written else "")
    return Said(
        at=row.sent_at or row.created_at, side="typed" if written else "ours", channel=row.channel, text=text,
        subject=said.get("subject", ""), who=staff.get(written.by, "") if written else "", state=row.state,
        code=row.step.code, message=row.pk,
    )  # fmt: skip


def _hers(conversation: Conversation, contacts: list[Contact]) -> Iterable[Said]:
    """What came from her addresses while they were hers; from an address that is no client's, all of it."""
    spans = [(each.standing_id, each.valid_from, each.valid_to) for each in contacts]
    rows = Inbound.objects.filter(standing__in=[pk for pk, _, _ in spans] or [conversation.standing_id])
    for row in rows.order_by("-received_at")[:MANY]:
        if contacts and not any(_within(row, span) for span in spans):
            continue
        text = _unsealed(row.body_sealed, "inbound.body")
        red = is_red_flag(text)
        yield Said(at=row.received_at, side="hers", channel=row.channel, text=text.strip(), code=row.word, red=red)


def _within(row: Inbound, span: tuple[int, datetime, datetime | None]) -> bool:
    standing, since, until = span
    return row.standing_id == standing and since <= row.received_at and (until is None or row.received_at < until)


def _tapped(conversation: Conversation) -> Iterable[Said]:
    """Her check-ins, each question in the words that she read."""
    if conversation.client_id is None:
        return
    rows = CheckinAnswer.objects.filter(client=conversation.client_id).select_related("step", "link__version")
    for row in rows.order_by("-answered_at")[:MANY]:
        stored = _unsealed(row.answers_sealed, "checkin.answers")
        answers: dict[str, Any] = json.loads(stored) if stored else {}
        asked = _questions(row, conversation)
        told = [(asked.get(code, code), str(said)) for code, said in answers.items()]
        yield Said(at=row.answered_at, side="tapped", code=row.step.code, red=row.red, answers=told)


def _questions(row: CheckinAnswer, conversation: Conversation) -> dict[str, str]:
    checkin = rendering.version(row.link.version.document).source.checkin
    client = conversation.client
    language = client.language if client else "en"
    asked = checkin.question if checkin else ()
    return {each.code: each.text.get(language) or next(iter(each.text.values())) for each in asked}


def _acts(conversation: Conversation, staff: dict[str, str]) -> Iterable[Said]:
    rows = Event.objects.filter(subject=f"conversation:{conversation.pk}", kind="conversation").order_by("-pk")
    for row in rows[:MANY]:
        yield Said(at=row.at, side="act", code=row.code, who=staff.get(row.actor, ""))


def _unsealed(stored: bytes | memoryview | None, what: str) -> str:
    try:
        return str(sealed.unseal(stored, what)) if stored else ""
    except sealed.Unreadable:
        return ""
