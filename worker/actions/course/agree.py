"""Two treatments, one client: what contradicts stops before the practitioner, what repeats goes once (anchors C8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from worker import rendering
from worker.actions.clients import find
from worker.actions.course.cancel import cancel
from worker.actions.course.visit import lock_client
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.actions.send.due import make_ready
from worker.actions.send.others import WENT
from worker.models import Message, ProtocolVersion, Ready, StaffTask, Treatment
from worker.models.staff import Role
from worker.rules.gate import Reason
from worker.rules.local_time import local, zone
from worker.rules.names import Channel, MessageClass
from worker.rules.refusal import Refusal, Refusals
from worker.rules.states import OPEN, State
from worker.rules.topics import Told, contradictions, repeated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from worker.models import Client
    from worker.rules.topics import Contradiction

KIND = "contradiction"


def agree(client: Client, *, by: str, now: datetime) -> None:
    """Compare what a client's courses tell her, in the caller's transaction, who holds the client's locks.

    Of a contradiction the open messages are held until a practitioner has said which treatment counts; where that was
    said, it is followed. Of what is told twice on a day the stricter message goes.
    """
    courses = Treatment.objects.filter(client=client, voided_at__isnull=True).values("version__protocol").distinct()
    if courses.count() < 2:  # noqa: PLR2004 - one course was approved as a whole
        return
    told = list(_told(client))
    for each in contradictions(told):
        _stop(client, each, by, now)
    again = repeated([each for each in told if Message.objects.filter(pk=each.message, state__in=OPEN).exists()])
    cancel(which=Q(pk__in=again), reason="merged", actor=by, now=now)


@transaction.atomic
def settle(*, task_id: int, keep: int, by: str, now: datetime) -> None:
    """A practitioner says which treatment counts: its messages go on, those of the other on that topic end.

    Raises Refusals.
    """
    task = StaffTask.objects.select_related("client__clinic").filter(pk=task_id, kind=KIND).first()
    if task is None or task.client is None:
        raise Refusals([Refusal("id", "is no contradiction here", "see `aftercare tasks`")])
    lock_client(task.client.pk)
    person = find.staff(by, clinic_id=task.clinic_id, roles=(Role.PRACTITIONER,), field="by")
    if keep not in task.facts["treatments"]:
        listed = " or ".join(map(str, task.facts["treatments"]))
        raise Refusals([Refusal("keep", "is none of the two treatments", f"name {listed}")])
    task.facts, task.done_at, task.done_by = task.facts | {"keep": keep}, now, f"staff:{person.pk}"
    task.save(update_fields=["facts", "done_at", "done_by"])
    record(
        clinic_id=task.clinic_id, kind="contradiction_settled", subject=f"task:{task.pk}", actor=f"staff:{person.pk}",
        at=now, facts={"keep": keep, "topic": task.facts["topic"]},
    )  # fmt: skip
    _release(task.client, keep, now)
    agree(task.client, by=f"staff:{person.pk}", now=now)


def _told(client: Client) -> Iterator[Told]:
    """Every instruction that was given or is to come."""
    found = Message.objects.filter(client=client, cls=MessageClass.COURSE, state__in=(*OPEN, *WENT))
    found = found.filter(treatment__isnull=False).select_related("treatment", "step").order_by("pk")
    versions = {
        pk: rendering.version(document).source
        for pk, document in ProtocolVersion.objects.filter(messages_of(client)).values_list("pk", "document")
    }
    courses = dict(ProtocolVersion.objects.filter(pk__in=versions).values_list("pk", "protocol_id"))
    for each in found:
        says = versions[each.version_id].step(each.step.code).rule.says
        if says and each.treatment is not None:
            yield Told(
                message=each.pk, course=courses[each.version_id], session=each.treatment.pk,
                counted_from=local(each.treatment.performed_at, zone(each.zone)).date(),
                due_on=local(each.due_at, zone(each.zone)).date(), channel=Channel(each.channel), says=says,
                is_open=each.state in OPEN,
            )  # fmt: skip


def messages_of(client: Client) -> Q:
    """The versions under which a client has messages."""
    return Q(pk__in=Message.objects.filter(client=client).values("version"))


def _stop(client: Client, found: Contradiction, by: str, now: datetime) -> None:
    """Hold both, or end the one that a practitioner decided against."""
    pair = (found.one.session, found.other.session)
    cause = f"{KIND}:{pair[0]}:{pair[1]}:{found.topic}"
    decided = StaffTask.objects.filter(clinic=client.clinic, cause=cause, done_at__isnull=False).first()
    keep = decided.facts.get("keep") if decided else None
    if keep is not None:
        loser = found.other if keep == found.one.session else found.one
        cancel(which=Q(pk=loser.message), reason="contradicted", actor=by, now=now)
        return
    open_task(
        clinic_id=client.clinic_id, client_id=client.pk, kind=KIND, cause=cause,
        facts={"treatments": list(pair), "topic": found.topic}, now=now,
    )  # fmt: skip
    for each in (found.one, found.other):
        _hold(client, each, by, now)


def _hold(client: Client, told: Told, by: str, now: datetime) -> None:
    may_go_yet = Message.objects.filter(pk=told.message, state__in=OPEN)
    held = may_go_yet.exclude(state=State.HELD, reason=Reason.CONTRADICTED)  # also what a pause held: it will end
    if told.is_open and held.update(state=State.HELD, reason=Reason.CONTRADICTED, decided_at=now):
        Ready.objects.filter(message_id=told.message).delete()
        record(
            clinic_id=client.clinic_id, kind="decision", subject=f"message:{told.message}", actor=by, at=now,
            code=Reason.CONTRADICTED, facts={"state": State.HELD},
        )  # fmt: skip


def _release(client: Client, keep: int, now: datetime) -> None:
    """What was held of the treatment that counts passes every gate anew; `agree` holds again what it must."""
    held = Message.objects.select_for_update().filter(
        client=client, treatment_id=keep, state=State.HELD, reason=Reason.CONTRADICTED
    )
    freed = list(held.order_by("pk"))
    Message.objects.filter(pk__in=[each.pk for each in freed]).update(state=State.PLANNED, reason="")
    make_ready(freed, now=now)
