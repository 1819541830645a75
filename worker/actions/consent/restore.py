"""START: a person takes back her own keyword, on that number, and nothing else (rule 30)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

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
    from collections.abc import Iterable
    from datetime import datetime

    from worker.models import Inbound, Standing

KEYWORD = "sms"  # how the ledger names a revocation by a text from the phone itself
Back = dict[int, list[Purpose]]  # client id -> purposes


def restore(row: Standing, *, stored: Inbound, address: str, body: str, answered: bool, now: datetime) -> bool:
    """Undo this phone's own keyword; the caller holds the row's lock. False when a person has to look instead.

    A desk, a link, a carrier, a complaint or a wrong number is never overridden, and nothing is restored that a keyword
    did not end. Whoever shares the phone was stopped by that one word and comes back by this one. `answered`: the
    provider has confirmed it already. The caller has seen that no STOP was said after this START.
    """
    stops = list(Suppression.objects.filter(standing=row, lifted_at__isnull=True))
    if not stops or any(each.reason != SuppressionReason.KEYWORD for each in stops):
        return False
    people = {
        each.client_id: each.client
        for each in Contact.objects.filter(standing=row, valid_to__isnull=True, client__erased_at__isnull=True)
        .select_related("client__clinic")
        .order_by("pk")
    }
    if not people and Contact.objects.filter(standing=row).exists():
        return False  # it was a client's number once: who has it now said nothing to us before
    _lift(row, now)
    back, asked = _ended_by_keyword(row, people)
    _write(row, back, people, stored=stored, body=body, now=now)
    for client_id in asked:
        _ask_staff(row, client_id, stored, now)
    if back:
        _plan(row, [people[each] for each in back], stored=stored, address=address, answered=answered, now=now)
    record(
        clinic_id=row.clinic_id, kind="restored", subject=f"standing:{row.pk}", actor="client", at=now, code="keyword",
        facts={"clients": sorted(back), "inbound": stored.pk}, sealed=True,
    )  # fmt: skip
    return bool(back or asked)


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


def _plan(
    row: Standing, clients: list[Client], *, stored: Inbound, address: str, answered: bool, now: datetime
) -> None:
    """What lies ahead, after the opt-in confirmation where that never went; else one word that it counts again."""
    for client in clients:
        replan(client, channel=Channel(row.channel), now=now)
    active = Grant.objects.filter(standing=row, client__in=clients, state=GrantState.ACTIVE)
    for client_id in active.filter(confirmed_at__isnull=True).values_list("client_id", flat=True).distinct():
        opens = Message.objects.filter(client=client_id, standing=row, kind=AnswerKind.OPTIN_CONFIRMATION)
        if not opens.filter(state__in=OPEN).exists():
            _ask_staff(row, client_id, stored, now)
    if not answered and active.filter(confirmed_at__isnull=False).exists():
        cause = f"inbound:{stored.pk}"
        since = stored.received_at
        plan_answer(row, kind=AnswerKind.START_CONFIRMATION, cause=cause, address=address, since=since, now=now)


def _ask_staff(row: Standing, client_id: int, stored: Inbound, now: datetime) -> None:
    open_task(
        clinic_id=row.clinic_id, client_id=client_id, kind="ask_consent", cause=f"ask_consent:{stored.pk}:{client_id}",
        facts={"channel": row.channel, "inbound": stored.pk}, now=now,
    )  # fmt: skip
