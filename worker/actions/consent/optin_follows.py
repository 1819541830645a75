"""What opens an address outlives the end of one purpose there, as long as another is kept (P5, rules 6, 7).

The double opt-in question and the opt-in confirmation are about all that she agreed to at an address. Each falls with
the last purpose it is about, and is planned again when it fell with another: nothing may come before it, so what she
kept would wait for it until it is missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from worker.actions.course.cancel import cancel
from worker.actions.course.plan import plan
from worker.actions.receive.answer import plan_answer
from worker.models import Grant, Message
from worker.rules.consent import GrantState, asked_until
from worker.rules.names import AnswerKind, Channel
from worker.rules.plan import Anchor
from worker.rules.states import State
from worker.timeline import Course

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Contact


def optin_follows(ended: Contact, *, by: str, now: datetime) -> None:
    """Let question and confirmation follow the purposes that are left at a contact's address.

    In the caller's transaction, who holds the standing's lock and has written the ends.
    """
    _confirmation(ended, by, now)
    _question(ended, by, now)


def _confirmation(ended: Contact, by: str, now: datetime) -> None:
    kept = Grant.objects.filter(_hers(ended), state=GrantState.ACTIVE)
    if not kept.exists():
        cancel(which=_hers(ended) & Q(kind=AnswerKind.OPTIN_CONFIRMATION), reason="revoked", actor=by, now=now)
    elif kept.filter(confirmed_at__isnull=True).exists():
        last = _last(ended, AnswerKind.OPTIN_CONFIRMATION)
        if last is not None and last.state == State.CANCELLED:
            client = ended.client
            course = Course(clinic=client.clinic, client=client, version=last.version, care=last.care, enrolled_at=now)
            plan(course, anchors=[Anchor.ENROLMENT], channels=[Channel(ended.channel)], now=now)


def _question(ended: Contact, by: str, now: datetime) -> None:
    """Asked again it waits no longer than the first time: how long a yes counts runs from the form (rule 7)."""
    waits = Grant.objects.filter(_hers(ended), state=GrantState.PENDING).order_by("changed_at").first()
    if waits is None:
        cancel(which=_hers(ended) & Q(kind=AnswerKind.OPTIN_QUESTION), reason="revoked", actor=by, now=now)
        return
    last = _last(ended, AnswerKind.OPTIN_QUESTION)
    until = asked_until(waits.changed_at, ended.client.clinic.optin_hours)
    if last is not None and last.state == State.CANCELLED and now < until:
        plan_answer(
            ended.standing, kind=AnswerKind.OPTIN_QUESTION, cause=f"contact:{ended.pk}:{now.isoformat()}", address="",
            until=until, to=ended, now=now,
        )  # fmt: skip


def _hers(ended: Contact) -> Q:
    return Q(client=ended.client_id, standing=ended.standing_id)


def _last(ended: Contact, kind: AnswerKind) -> Message | None:
    found = Message.objects.filter(_hers(ended), kind=kind)
    return found.select_related("version", "care").order_by("-pk").first()
