"""Everything about one client for the person who answers "what did she get, what will she get, and why not" (P8)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import OuterRef, Subquery

from worker import sealed
from worker.models import (
    Appointment,
    Attempt,
    ConsentEvent,
    Contact,
    Grant,
    Inbound,
    Message,
    Receipt,
    StaffTask,
    Treatment,
)
from worker.models.appointment import AppointmentStatus
from worker.models.sent_again import key_of, may_go_again
from worker.reading import explain
from worker.rules.names import MessageClass
from worker.rules.states import OPEN, State

if TYPE_CHECKING:
    from worker.models import Client

COMING = frozenset({State.PLANNED, State.CLAIMED, State.HELD, State.SENDING, State.UNKNOWN})
FAR = timedelta(days=3650)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One message: when it is or was, what stands in it, what became of it; `at` is when it went, or is due."""

    pk: int
    step: str
    channel: str
    purpose: str
    state: str
    plain: str
    at: datetime
    zone: str
    subject: str = ""
    text: str = ""
    told_at: datetime | None = None
    may_resend: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One address of hers of today, and what may go there."""

    channel: str
    address: str
    whose: str
    stopped_at: datetime | None
    stopped_why: str
    held_at: datetime | None
    grants: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One line of her consent's history."""

    at: datetime
    act: str
    channel: str
    purpose: str
    method: str
    by: str
    wording: str
    words: str
    strokes: list[list[list[int]]] = field(default_factory=list)
    signed_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneClient:
    """The page's whole content, read in eight queries."""

    client: Client
    name: str
    reach: list[Reach]
    coming: list[Sent]
    past: list[Sent]
    visits: list[Appointment]
    treatments: list[Treatment]
    acts: list[Act]
    tasks: list[dict[str, Any]]
    replies: list[dict[str, Any]]

    @property
    def held(self) -> bool:
        """True while an address of hers is on hold."""
        return any(each.held_at for each in self.reach)

    @property
    def stopped(self) -> bool:
        """True when she said stop, and nothing that she agreed to is left at another address."""
        live = {"active", "pending"}
        left = [each for each in self.reach if not each.stopped_at and live & set(each.grants.values())]
        return any(each.stopped_at for each in self.reach) and not left


def one_client(client: Client, *, now: datetime) -> OneClient:
    """Read it all; `client` comes with its clinic checked by the caller (P10)."""
    contacts = list(Contact.objects.filter(client=client).select_related("standing").order_by("channel", "-pk"))
    reach = _reach(client, contacts)
    messages = _messages(client, _allowed(reach), now)
    visits = Appointment.objects.filter(client=client).select_related("version__protocol").order_by("-starts_at")
    sessions = Treatment.objects.filter(client=client).select_related("version__protocol").order_by("-performed_at")
    return OneClient(
        client=client,
        name=sealed.unseal(client.name_sealed, "client.name") if client.name_sealed else "",
        reach=reach,
        coming=sorted((each for each in messages if each.state in COMING), key=lambda each: (each.at, each.pk)),
        past=sorted((each for each in messages if each.state not in COMING), key=lambda each: (each.at, each.pk),
                    reverse=True),
        visits=list(visits),
        treatments=list(sessions),
        acts=_acts(client),
        tasks=_tasks(client),
        replies=_replies(contacts),
    )  # fmt: skip


def next_visit(visits: list[Appointment], now: datetime) -> Appointment | None:
    """The next one that is booked."""
    booked = [each for each in visits if each.status == AppointmentStatus.BOOKED and each.starts_at > now]
    return min(booked, key=lambda each: each.starts_at, default=None)


def _allowed(reach: list[Reach]) -> set[tuple[str, str]]:
    """Each channel and purpose for which something may go to an address of hers of today."""
    agreed = [(each.channel, each.grants.items()) for each in reach if not each.stopped_at]
    return {(channel, purpose) for channel, grants in agreed for purpose, state in grants if state == "active"}


def _messages(client: Client, allowed: set[tuple[str, str]], now: datetime) -> list[Sent]:
    rows = Message.objects.filter(client=client).select_related("step").order_by("due_at", "pk")
    # Her STOP is obeyed, and its follow-up a moment away: what it will end comes no more, whatever its row still says.
    rows = rows.exclude(standing__open_stop__isnull=False, cls=MessageClass.COURSE, state__in=OPEN)
    tries = Attempt.objects.filter(message=OuterRef("pk")).order_by("-decided_at")
    told = Receipt.objects.filter(attempt=OuterRef("newest")).order_by("-received_at")
    rows = rows.annotate(
        newest=Subquery(tries.values("pk")[:1]), tried_at=Subquery(tries.values("decided_at")[:1]),
        body=Subquery(tries.values("body_sealed")[:1]), told_at=Subquery(told.values("received_at")[:1]),
    )  # fmt: skip
    occasions = {row.occasion for row in rows}
    return [_sent(row, allowed, now, newest=key_of(row, row.resend + 1) not in occasions) for row in rows]


def _sent(row: Any, allowed: set[tuple[str, str]], now: datetime, *, newest: bool) -> Sent:
    """A message with what `_messages` annotated: the last try to send it, its words, and the last receipt for it.

    `newest` says that it was not sent again since; only then is it offered to go once more.
    """
    said = _body(row.body)
    left = row.newest is not None and row.state not in (State.PLANNED, State.HELD)
    again = newest and may_go_again(row, now)
    ended = row.decided_at if row.state in (State.CANCELLED, State.WITHHELD, State.MISSED) else None
    return Sent(
        pk=row.pk,
        step=row.step.code,
        channel=row.channel,
        purpose=row.purpose,
        state=row.state,
        plain=plain(row),
        at=row.sent_at or (row.tried_at if left else ended or row.due_at),
        zone=row.zone,
        subject=said.get("subject", ""),
        text=said.get("text", ""),
        told_at=row.told_at if left else None,
        may_resend=again and (row.channel, row.purpose) in allowed,
    )


def plain(row: Message) -> str:
    """Why it is where it is, in words; "" while all is as planned."""
    if not row.reason or row.reason == "sent":
        return ""
    return explain.plain(row.reason)


def _body(stored: bytes | memoryview | None) -> dict[str, str]:
    if stored is None:
        return {}
    said: dict[str, str] = json.loads(sealed.unseal(stored, "attempt.body"))
    return said


def _reach(client: Client, contacts: list[Contact]) -> list[Reach]:
    grants: dict[int, dict[str, str]] = {}
    for grant in Grant.objects.filter(client=client):
        grants.setdefault(grant.standing_id, {})[grant.purpose] = grant.state
    current = [each for each in contacts if each.valid_to is None and each.address_sealed]
    return [
        Reach(
            channel=each.channel,
            address=sealed.unseal(bytes(each.address_sealed or b""), "contact.address"),
            whose="" if each.relationship == "client" else each.relationship,
            stopped_at=each.standing.suppressed_at,
            stopped_why=each.standing.suppressed_why or "",
            held_at=each.standing.held_at,
            grants=grants.get(each.standing_id, {}),
        )
        for each in current
    ]


def _acts(client: Client) -> list[Act]:
    rows = ConsentEvent.objects.filter(clinic=client.clinic_id, client_id=client.pk)
    return [_act(each) for each in rows.select_related("wording", "evidence").order_by("-pk")]


def _act(row: ConsentEvent) -> Act:
    stored = getattr(row, "evidence", None)
    said = sealed.unseal_json(stored.sealed, "consent.evidence") if stored is not None and stored.sealed else {}
    signature = said.get("signature") or {}
    wording = row.wording
    return Act(
        at=row.happened_at,
        act=row.act,
        channel=row.channel,
        purpose=row.purpose,
        method=row.method,
        by=row.recorded_by,
        wording=f"{wording.code}@{wording.version}, {wording.language}" if wording else "",
        words=str(said.get("reason") or said.get("body") or ""),
        strokes=signature.get("strokes", []),
        signed_name=signature.get("typed", ""),
    )


def _tasks(client: Client) -> list[dict[str, Any]]:
    rows = StaffTask.objects.filter(client=client, done_at__isnull=True).order_by("opened_at", "pk")
    return [
        {"pk": each.pk, "kind": each.kind, "opened_at": each.opened_at, "due_at": each.due_at,
         "conversation": each.facts.get("conversation")}
        for each in rows
    ]  # fmt: skip


def _replies(contacts: list[Contact]) -> list[dict[str, Any]]:
    """What came from her addresses while they were hers, the newest first."""
    spans = [(each.standing_id, each.valid_from, each.valid_to) for each in contacts]
    rows = Inbound.objects.filter(standing__in={pk for pk, _, _ in spans}).order_by("-received_at")[:50]
    return [
        {"at": row.received_at, "channel": row.channel, "word": row.word, "text": _reply(row)}
        for row in rows
        if any(pk == row.standing_id and since <= row.received_at and (until is None or row.received_at < until)
               for pk, since, until in spans)
    ]  # fmt: skip


def _reply(row: Inbound) -> str:
    if row.body_sealed is None:
        return ""
    try:
        return str(sealed.unseal(row.body_sealed, "inbound.body"))
    except sealed.Unreadable:
        return ""
