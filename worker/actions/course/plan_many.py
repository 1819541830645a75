"""The same plans for many clients at once: a dozen statements for all of them, instead of a dozen for each."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from worker import traces
from worker.actions.course.plan import Result, hand_over_to_staff, message_of, not_planned_yet
from worker.actions.send.due import make_ready
from worker.models import Contact, Grant, Message, Step
from worker.models.rows import insert_many
from worker.models.standing import GrantState
from worker.rules.names import Channel, MessageClass, Purpose
from worker.rules.steps import HandOver, Planned
from worker.timeline import lay_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from worker.rules.steps import Anchor
    from worker.timeline import Course

MANY = 500  # rows a statement: SQLite takes no more values at once
COLUMNS = (
    "occasion", "clinic_id", "client_id", "contact_id", "standing_id", "channel", "purpose", "cls", "kind",
    "version_id", "step_id", "treatment_id", "appointment_id", "care_id", "generation", "resend", "language", "zone",
    "wall_time", "state", "reason", "due_at", "expires_at", "created_at", "provider_id", "attempts",
)  # fmt: skip
"""The occasion first: it differs in each row."""


def plan_many(courses: Sequence[Course], *, anchors: Iterable[Anchor], now: datetime) -> Result:
    """Write the course messages of the given anchors for each course, as `plan` does for one; answers are left to it.

    In the caller's transaction, who holds the locks of all these clients' standing rows. Each client once.
    """
    began, wanted = traces.moment(), frozenset(anchors)
    consents, contacts, steps = _consents(courses), _contacts(courses), _steps(courses)
    rows: list[Message] = []
    result = Result()
    for course in courses:
        for each in lay_out(course, frozenset(consents[course.client.pk]), now):
            if each.rule.anchor not in wanted or each.rule.cls is not MessageClass.COURSE:
                continue
            if isinstance(each.outcome, Planned):
                step = steps[course.version.pk, each.rule.code]
                contact = contacts[course.client.pk, each.channel]
                rows.append(message_of(course, each, each.outcome, step, contact, now))
            elif isinstance(each.outcome, HandOver):
                result.hand_over.append(each)
                hand_over_to_staff(course, each, now)
    for first in range(0, len(rows), MANY):
        result.messages.extend(_stored(not_planned_yet(rows[first : first + MANY])))
    make_ready(result.messages, now=now)
    if result.messages:
        clinic_id = result.messages[0].clinic_id
        traces.planned((each.pk for each in result.messages), clinic_id=clinic_id, since=began)
    return result


def _stored(rows: list[Message]) -> list[Message]:
    """Insert them, a statement for each kind of subject, and give each its id."""
    for subject in {_subject(row) for row in rows}:
        same = [[getattr(row, name) for name in COLUMNS] for row in rows if _subject(row) == subject]
        insert_many("aftercare_message", COLUMNS, same)
    ids = dict(Message.objects.filter(occasion__in=[row.occasion for row in rows]).values_list("occasion", "pk"))
    for row in rows:
        row.pk = ids[row.occasion]
    return rows


def _subject(row: Message) -> tuple[bool, bool]:
    """A column of ids has them all or none."""
    return row.treatment_id is None, row.appointment_id is None


def _consents(courses: Sequence[Course]) -> dict[int, set[tuple[Channel, Purpose]]]:
    """What each client agreed to, as `timeline.consents_of` reads it for one."""
    agreed = Grant.objects.filter(
        client__in=[course.client.pk for course in courses],
        state__in=(GrantState.ACTIVE, GrantState.PENDING),
        standing__suppressed_at__isnull=True,
    )
    found: dict[int, set[tuple[Channel, Purpose]]] = defaultdict(set)
    for client_id, channel, purpose in agreed.values_list("client_id", "standing__channel", "purpose"):
        found[client_id].add((Channel(channel), Purpose(purpose)))
    return found


def _contacts(courses: Sequence[Course]) -> dict[tuple[int, Channel], Contact]:
    current = Contact.objects.filter(client__in=[course.client.pk for course in courses], valid_to__isnull=True)
    return {(contact.client_id, Channel(contact.channel)): contact for contact in current}


def _steps(courses: Sequence[Course]) -> dict[tuple[int, str], Step]:
    named = Step.objects.filter(version__in={course.version.pk for course in courses})
    return {(step.version_id, step.code): step for step in named}
