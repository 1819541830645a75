"""Two courses, one client: what contradicts stops before the practitioner, what repeats goes once (anchors C8).

Asked anew with every change of her plan, and what it once decided is taken back where its cause is gone: a session that
is taken back must not leave another course without its words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from worker import rendering
from worker.actions.course.cancel import cancel
from worker.actions.course.resend import again
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.actions.send.due import make_ready
from worker.actions.send.others import WENT
from worker.models import Contact, Message, ProtocolVersion, Ready, StaffTask, Treatment
from worker.models.appointment import AppointmentStatus
from worker.rules.gate import Reason
from worker.rules.local_time import local, zone
from worker.rules.names import Channel, MessageClass
from worker.rules.states import OPEN, State
from worker.rules.topics import Told, contradictions, covers, repeated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from worker.models import Client
    from worker.rules.topics import Contradiction

KIND = "contradiction"
MERGED, CONTRADICTED = "merged", "contradicted"


def agree(client: Client, *, by: str, now: datetime) -> None:
    """Compare what a client's courses tell her, in the caller's transaction, who holds the client's locks.

    Of a contradiction the open messages are held until a practitioner has said which session counts; where that was
    said, it is followed. Of what is told twice on a day the stricter message goes.
    """
    ours = Message.objects.filter(client=client, cls=MessageClass.COURSE)
    courses = ours.order_by().values_list("version__protocol", flat=True).distinct()
    if len(courses) < 2:  # noqa: PLR2004 - one course was approved as a whole
        return
    _bring_back(client, now)
    told = list(_told(ours.filter(state__in=(*OPEN, *WENT))))
    undecided = [each for each in contradictions(told) if not _followed(client, each, by, now)]
    for each in undecided:
        _stop(client, each, by, now)
    _let_go(client, undecided, now)
    waits = frozenset(ours.filter(state__in=OPEN).values_list("pk", flat=True))
    twice = repeated([each for each in told if each.message in waits])
    cancel(which=Q(pk__in=twice), reason=MERGED, actor=by, now=now)


def _told(messages: Iterable[Message]) -> Iterator[Told]:
    """Those of the messages that give instructions."""
    found = list(messages.select_related("treatment", "appointment", "step").order_by("pk"))  # type: ignore[attr-defined] # a query
    versions = ProtocolVersion.objects.filter(pk__in={each.version_id for each in found})
    known = {each.pk: (each.protocol_id, rendering.version(each.document).source) for each in versions}
    for each in found:
        course, source = known[each.version_id]
        says, session = source.step(each.step.code).rule.says, _session(each)
        if says and session:
            name, counted_from = session
            yield Told(
                message=each.pk, course=course, session=name, counted_from=local(counted_from, zone(each.zone)).date(),
                due_on=local(each.due_at, zone(each.zone)).date(), channel=Channel(each.channel), says=says,
                is_open=each.state not in WENT,
            )  # fmt: skip


def _session(message: Message) -> tuple[tuple[str, int], datetime] | None:
    """What a message counts from, and when that is, or was."""
    if message.treatment:
        return ("treatment", message.treatment.pk), message.treatment.performed_at
    if message.appointment:
        return ("visit", message.appointment.pk), message.appointment.starts_at
    return None


def _name(session: tuple[str, int]) -> int | str:
    """As tasks and the command have it: a treatment's number, or "visit:7"."""
    kind, number = session
    return number if kind == "treatment" else f"{kind}:{number}"


def _cause(found: Contradiction) -> str:
    return f"{KIND}:{_name(found.one.session)}:{_name(found.other.session)}:{found.topic}"


def _loser(client: Client, found: Contradiction) -> Told | None:
    """Which of the two a practitioner decided against, if she did."""
    decided = StaffTask.objects.filter(clinic=client.clinic, cause=_cause(found), done_at__isnull=False).first()
    keep = decided.facts.get("keep") if decided else None
    if keep is None:
        return None
    return found.other if keep == _name(found.one.session) else found.one


def _followed(client: Client, found: Contradiction, by: str, now: datetime) -> bool:
    """Whether it was decided; then the message that lost has ended."""
    loser = _loser(client, found)
    if loser is not None:
        cancel(which=Q(pk=loser.message), reason=CONTRADICTED, actor=by, now=now)
    return loser is not None


def _stop(client: Client, found: Contradiction, by: str, now: datetime) -> None:
    """Hold both, and ask the practitioner; again where it was asked once and was over meanwhile."""
    open_task(
        clinic_id=client.clinic_id, client_id=client.pk, kind=KIND, cause=_cause(found),
        facts={"treatments": [_name(found.one.session), _name(found.other.session)], "topic": found.topic}, now=now,
    )  # fmt: skip
    StaffTask.objects.filter(clinic=client.clinic, cause=_cause(found)).update(done_at=None, done_by=None)
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


def _let_go(client: Client, undecided: Iterable[Contradiction], now: datetime) -> None:
    """What was held and contradicts nothing any more passes every gate anew; the tasks that asked are done."""
    still = {told.message for each in undecided for told in (each.one, each.other)}
    held = Message.objects.select_for_update().filter(client=client, state=State.HELD, reason=Reason.CONTRADICTED)
    freed = list(held.exclude(pk__in=still).order_by("pk"))
    Message.objects.filter(pk__in=[each.pk for each in freed]).update(state=State.PLANNED, reason="")
    make_ready(freed, now=now)
    asked = StaffTask.objects.filter(client=client, kind=KIND, done_at__isnull=True)
    asked.exclude(cause__in={_cause(each) for each in undecided}).update(done_at=now, done_by="system")


def _bring_back(client: Client, now: datetime) -> None:
    """Plan again what ended for another session's sake, where that session asks for it no longer (P5)."""
    lost = {each.pk: each for each in _lost(client, now)}
    if not lost:
        return
    ours = Message.objects.filter(client=client, cls=MessageClass.COURSE)
    told = list(_told(ours.filter(state__in=(*OPEN, *WENT))))
    contacts = {each.channel: each for each in Contact.objects.filter(client=client, valid_to__isnull=True)}
    for each in _told(ours.filter(pk__in=lost)):
        message = lost[each.message]
        if message.channel in contacts and not _is_still_lost(client, message.reason, each, told):
            made = again(message, contacts[message.channel], due_at=max(message.due_at, now), now=now)
            record(
                clinic_id=client.clinic_id, kind="brought_back", subject=f"message:{made.pk}", actor="system", at=now,
                code=message.reason, facts={"message": message.pk},
            )  # fmt: skip


def _lost(client: Client, now: datetime) -> Iterator[Message]:
    """The newest of each step that ended so, as far as it is still useful and its session still counts."""
    steps: dict[str, Message] = {}
    ours = Message.objects.filter(client=client, cls=MessageClass.COURSE, expires_at__gt=now)
    for each in ours.select_related("treatment__version", "appointment").order_by("resend"):
        steps[each.occasion.rpartition(":r")[0]] = each
    newest = _newest_treatments(client)
    for each in steps.values():
        if each.state == State.CANCELLED and each.reason in (MERGED, CONTRADICTED) and _counts(each, newest):
            yield each


def _newest_treatments(client: Client) -> frozenset[int]:
    """The last session of each of her protocols: the only one whose aftercare goes on."""
    done = Treatment.objects.filter(client=client, voided_at__isnull=True).order_by("performed_at", "pk")
    return frozenset(dict(done.values_list("version__protocol", "pk")).values())


def _counts(message: Message, newest: frozenset[int]) -> bool:
    if message.treatment:
        return message.treatment.pk in newest and message.treatment.generation == message.generation
    visit = message.appointment
    booked = visit is not None and visit.status == AppointmentStatus.BOOKED
    return visit is not None and booked and visit.generation == message.generation


def _is_still_lost(client: Client, reason: str, lost: Told, told: list[Told]) -> bool:
    if reason == MERGED:
        return any(covers(each, lost) for each in told)
    against = (each for each in contradictions([*told, lost]) if lost in (each.one, each.other))
    return any(_loser(client, each) == lost for each in against)
