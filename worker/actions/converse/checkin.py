"""The answers that a client taps on her care page: kept, and a red one before a person at once (rule 41)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.db import transaction

from worker import rendering, sealed
from worker.actions.consent import standing as standings
from worker.actions.converse.hear import heard, red_flag
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.models import Approval, CheckinAnswer, Client, Contact, Link, Step
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from worker.intake.protocol import ProtocolSource
    from worker.models import Standing

SAME = timedelta(minutes=10)  # a page sent twice, by a slow phone or an impatient thumb
MOST_A_DAY = 20


class Told(NamedTuple):
    """What became of her answers: whether one was red, and whether they were known already."""

    red: bool
    repeated: bool


@transaction.atomic
def answer_checkin(*, link_id: int, step_code: str, answers: Mapping[str, str], now: datetime) -> Told:
    """Take "yes" or "no" to every question of a step. Raises Refusals; then nothing changed.

    Refused while no approval covers the questions (P3). Nothing here is sent to her: the page itself answers, with
    the approved words.
    """
    link = _living(link_id)
    source = rendering.version(link.version.document).source
    _refuse_unapproved(link, now)
    asked = _asked(source, step_code)
    said = _checked(asked, answers)
    row = _locked(link)
    red = any(asked[code] == answer for code, answer in said.items())
    if _repeated(link, step_code, said, now):
        return Told(red, repeated=True)
    step = Step.objects.get(version=link.version, code=step_code)
    stored = CheckinAnswer.objects.create(
        clinic_id=link.clinic_id, client_id=link.client_id, link=link, step=step,
        answers_sealed=sealed.seal_json(said, "checkin.answers"), red=red, answered_at=now,
    )  # fmt: skip
    record(
        clinic_id=link.clinic_id, kind="checkin", subject=f"client:{link.client_id}", actor="client", at=now,
        facts={"checkin": stored.pk, "step": step_code},
    )  # fmt: skip
    _tell(link, row, stored, asks=any(said[code] == "yes" for code, flag in asked.items() if not flag), now=now)
    return Told(red, repeated=False)


def _living(link_id: int) -> Link:
    living = Link.objects.filter(pk=link_id, ended_at__isnull=True, client__erased_at__isnull=True)
    link = living.select_related("clinic", "version").first()
    if link is None:
        raise Refusals([Refusal("link", "has ended", "call the clinic")])
    return link


def _refuse_unapproved(link: Link, now: datetime) -> None:
    standing = Approval.objects.filter(version_id=link.version_id, withdrawn_at__isnull=True, review_by__gt=now)
    if not standing.filter(sha256=rendering.version(link.version.document).sha256).exists():
        raise Refusals([Refusal("link", "asks nothing at the moment", "call the clinic")])


def _asked(source: ProtocolSource, step_code: str) -> dict[str, str]:
    """Each question of the step by its code, with the answer that is red ("" for none)."""
    known = {step.rule.code: step.questions for step in source.steps}
    if source.checkin is None or not known.get(step_code):
        raise Refusals([Refusal("step", "asks nothing", "use the link of the message")])
    return {each.code: each.red for each in source.checkin.asked(known[step_code])}


def _checked(asked: Mapping[str, str], answers: Mapping[str, str]) -> dict[str, str]:
    missing = [code for code in asked if answers.get(code) not in ("yes", "no")]
    if missing:
        raise Refusals(Refusal(code, "is not answered", "choose yes or no") for code in missing)
    return {code: answers[code] for code in asked}


def _locked(link: Link) -> Standing | None:
    """The standing row where a person would write back, her phone before her mailbox; and then the client."""
    current = Contact.objects.filter(client_id=link.client_id, valid_to__isnull=True).order_by("-channel")
    ids = list(current.values_list("standing_id", flat=True))
    rows = {row.pk: row for row in standings.lock(ids)}
    Client.objects.select_for_update(no_key=True).get(pk=link.client_id)
    return rows.get(ids[0]) if ids else None


def _repeated(link: Link, step_code: str, said: Mapping[str, str], now: datetime) -> bool:
    hers = CheckinAnswer.objects.filter(link=link, step__code=step_code).order_by("-pk")
    if hers.filter(answered_at__gt=now - timedelta(days=1)).count() >= MOST_A_DAY:
        raise Refusals([Refusal("answers", "came very often today", "call the clinic")])
    last = hers.first()
    if last is None or last.answers_sealed is None or last.answered_at <= now - SAME:
        return False
    return bool(sealed.unseal_json(last.answers_sealed, "checkin.answers") == dict(said))


def _tell(link: Link, row: Standing | None, stored: CheckinAnswer, *, asks: bool, now: datetime) -> None:
    """A red answer starts the clock; a wish to be called is a conversation without one; the rest is only kept."""
    if not (stored.red or asks):
        return
    conversation = heard(link.clinic_id, client_id=link.client_id, row=row, holds=stored.red, now=now)
    if conversation is None:
        return
    kind = "red_flag_checkin" if stored.red else "asks_for_call"
    facts = {"checkin": stored.pk, "conversation": conversation.pk} | ({"urgent": True} if stored.red else {})
    open_task(
        clinic_id=link.clinic_id, client_id=link.client_id, kind=kind, cause=f"{kind}:{stored.pk}", facts=facts,
        due_at=now if stored.red else None, now=now,
    )  # fmt: skip
    if stored.red:
        red_flag(conversation, clinic=link.clinic, cause=f"checkin:{stored.pk}", now=now)
