"""START: a person takes back her own keyword, on that number, and nothing else (rule 30)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from worker.actions.consent import ledger
from worker.actions.course.replan import replan
from worker.actions.receive.answer import plan_answer
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.models import Client, ConsentEvent, Contact, Grant, Message, Suppression
from worker.models.suppression import SuppressionReason
from worker.rules.consent import Act, GrantState, before_keyword
from worker.rules.names import AnswerKind, Channel, Purpose
from worker.rules.states import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from worker.models import Inbound, Standing

KEYWORD = "sms"  # how the ledger names a revocation by a text from the phone itself
Back = dict[int, list[Purpose]]  # client id -> purposes


class _Came(NamedTuple):
    """One row that is free again: who comes back there with what, and whom a person has to ask."""

    row: Standing
    people: dict[int, Client]
    back: Back
    asked: list[int]


def restore(
    phone: Sequence[Standing], *, stored: Inbound, address: str, body: str, answered: bool, now: datetime
) -> bool:
    """Undo this phone's own keyword on all its rows; the caller holds their locks. False when a person has to look.

    A desk, a link, a carrier, a complaint or a wrong number is never overridden, and nothing is restored that a keyword
    did not end. Whoever shares the phone was stopped by that one word and comes back by this one. `answered`: the
    provider has confirmed it already. The caller has seen that no STOP was said after this START.
    """
    stopped = _ended_as_one(phone)
    people = _people(stopped)
    if not stopped or (not any(people.values()) and Contact.objects.filter(standing__in=stopped).exists()):
        return False  # if it was a client's number once, who has it now said nothing to us before
    for row in stopped:
        _lift(row, now)
    came = [_Came(row, people[row.pk], *_ended_by_keyword(row, people[row.pk])) for row in stopped]
    for each in came:
        _bring_back(each, stored=stored, body=body, now=now)
    opened = [each.row for each in came if each.back and _is_confirmed(each)]
    if opened and not answered:  # one word from the phone, one to it
        cause, since = f"inbound:{stored.pk}", stored.received_at
        plan_answer(opened[0], kind=AnswerKind.START_CONFIRMATION, cause=cause, address=address, since=since, now=now)
    return any(each.back or each.asked for each in came)


def _ended_as_one(phone: Sequence[Standing]) -> list[Standing]:
    """The rows of a phone that its own keyword stopped; none where something else, or another text, stopped one.

    Rows with stops of their own have heard different people, or one of them a process that did not know the other: who
    says START then takes back one word, and nobody can tell which. Too much silence is mended by a call.
    """
    ended: dict[int, set[str]] = defaultdict(set)
    for stop in Suppression.objects.filter(standing__in=phone, lifted_at__isnull=True):
        if stop.reason != SuppressionReason.KEYWORD:
            return []
        ended[stop.standing_id].add(stop.source)
    if len({frozenset(texts) for texts in ended.values()}) > 1:
        return []
    return [row for row in phone if row.pk in ended]


def _people(rows: Sequence[Standing]) -> dict[int, dict[int, Client]]:
    """Whose address each row is today, by its number and the clients'."""
    people: dict[int, dict[int, Client]] = {row.pk: {} for row in rows}
    current = Contact.objects.filter(standing__in=rows, valid_to__isnull=True, client__erased_at__isnull=True)
    for each in current.select_related("client__clinic").order_by("pk"):
        people[each.standing_id][each.client_id] = each.client
    return people


def _bring_back(came: _Came, *, stored: Inbound, body: str, now: datetime) -> None:
    row, people, back, asked = came
    _write(row, back, people, stored=stored, body=body, now=now)
    for client_id in asked:
        _ask_staff(row, client_id, stored, now)
    if back:
        _plan(row, [people[each] for each in back], stored=stored, now=now)
    record(
        clinic_id=row.clinic_id, kind="restored", subject=f"standing:{row.pk}", actor="client", at=now, code="keyword",
        facts={"clients": sorted(back), "inbound": stored.pk}, sealed=True,
    )  # fmt: skip


def _lift(row: Standing, now: datetime) -> None:
    Suppression.objects.filter(standing=row, lifted_at__isnull=True).update(lifted_at=now, lifted_by="client")
    row.suppressed_at, row.suppressed_why, row.changed_at = None, None, now
    row.save(update_fields=["suppressed_at", "suppressed_why", "changed_at"])


def _ended_by_keyword(row: Standing, people: dict[int, Client]) -> tuple[Back, list[int]]:
    """What the keyword took from each client, and who had not yet said yes: her a person asks again."""
    back: Back = defaultdict(list)
    asked = set()
    for (client_id, purpose), before in _before(row, people).items():
        if before is GrantState.ACTIVE:
            back[client_id].append(purpose)
        elif before is GrantState.PENDING:
            asked.add(client_id)
    return dict(back), sorted(asked)


def coming_back(row: Standing, client_id: int) -> set[Purpose]:
    """The purposes of a client at that address that a keyword ended and that a START would bring up again."""
    before = _before(row, [client_id])
    return {purpose for (_, purpose), state in before.items() if state in (GrantState.ACTIVE, GrantState.PENDING)}


def _before(row: Standing, clients: Iterable[int]) -> dict[tuple[int, Purpose], GrantState | None]:
    acts: dict[tuple[int, Purpose], list[tuple[Act, bool]]] = defaultdict(list)
    theirs = ConsentEvent.objects.filter(clinic_id=row.clinic_id, client_id__in=list(clients), standing_id=row.pk)
    for client_id, purpose, act, method in theirs.order_by("pk").values_list("client_id", "purpose", "act", "method"):
        assert client_id is not None
        acts[client_id, Purpose(purpose)].append((Act(act), method == KEYWORD))
    return {key: before_keyword(several) for key, several in sorted(acts.items())}


def _write(row: Standing, back: Back, people: dict[int, Client], *, stored: Inbound, body: str, now: datetime) -> None:
    acts = [
        ledger.ConsentAct(
            client_id=client_id, purpose=purpose, act=Act.RESTORED, method=KEYWORD, happened_at=stored.received_at,
            zone=people[client_id].zone, recorded_by="client", source=f"inbound:{stored.pk}", evidence={"body": body},
        )
        for client_id, purposes in back.items()
        for purpose in purposes
    ]  # fmt: skip
    if acts:
        ledger.write(row, acts, now=now)


def _plan(row: Standing, clients: list[Client], *, stored: Inbound, now: datetime) -> None:
    """What lies ahead, after the opt-in confirmation where that never went."""
    for client in clients:
        replan(client, channel=Channel(row.channel), now=now)
    active = Grant.objects.filter(standing=row, client__in=clients, state=GrantState.ACTIVE)
    for client_id in active.filter(confirmed_at__isnull=True).values_list("client_id", flat=True).distinct():
        opens = Message.objects.filter(client=client_id, standing=row, kind=AnswerKind.OPTIN_CONFIRMATION)
        if not opens.filter(state__in=OPEN).exists():
            _ask_staff(row, client_id, stored, now)


def _is_confirmed(came: _Came) -> bool:
    """True where somebody reads one word that it counts again; else the opt-in confirmation says so."""
    active = Grant.objects.filter(standing=came.row, client__in=list(came.back), state=GrantState.ACTIVE)
    return active.filter(confirmed_at__isnull=False).exists()


def _ask_staff(row: Standing, client_id: int, stored: Inbound, now: datetime) -> None:
    open_task(
        clinic_id=row.clinic_id, client_id=client_id, kind="ask_consent", cause=f"ask_consent:{stored.pk}:{client_id}",
        facts={"channel": row.channel, "inbound": stored.pk}, now=now,
    )  # fmt: skip
