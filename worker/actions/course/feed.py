"""The calendars that tell us of visits: their keys, when each was heard, the alarm when one is silent (P5, P10)."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.clients import find
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.intake.visit import refuse_odd_name
from worker.models import ApiKey, Clinic, Feed, StaffTask
from worker.models.staff import Role
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime

MARK = "aftercare_"  # so that a key that leaks into a repository is found by whoever looks for such
MAY_GIVE_KEYS = (Role.OWNER, Role.OPERATOR)
EVERY = timedelta(minutes=1)  # how exactly it is kept when a calendar was heard: each time would be a write


class NotAdmitted(Exception):
    """A key that opens nothing here; `known` when it is a key, of another source."""

    def __init__(self, *, known: bool) -> None:
        super().__init__(known)
        self.known = known


@transaction.atomic
def make_key(*, clinic: Clinic, source: str, name: str, by: str, now: datetime) -> tuple[ApiKey, str]:
    """A new key for one source of a clinic; its text is told once and kept nowhere. Raises Refusals."""
    refuse_odd_name(source, "any")
    person = find.staff(by, clinic_id=clinic.pk, roles=MAY_GIVE_KEYS, field="by")
    feed, _ = Feed.objects.select_for_update(no_key=True).get_or_create(
        clinic=clinic, source=source, defaults={"heard_at": now}
    )
    if feed.ended_at is not None:
        feed.ended_at, feed.heard_at = None, now
        feed.save(update_fields=["ended_at", "heard_at"])
    text = f"{MARK}{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(feed=feed, name=name, sha256=_hash(text), made_at=now, made_by=f"staff:{person.pk}")
    record(
        clinic_id=clinic.pk, kind="api_key_made", subject=f"api_key:{key.pk}", actor=f"staff:{person.pk}", at=now,
        facts={"source": source}, sealed=True,
    )  # fmt: skip
    return key, text


@transaction.atomic
def revoke_key(*, key_id: int, by: str, now: datetime) -> bool:
    """End a key at once; with a source's last one nobody waits for news. False when it had ended. Raises Refusals."""
    key = ApiKey.objects.select_for_update(no_key=True).select_related("feed").filter(pk=key_id).first()
    if key is None:
        raise Refusals([Refusal("id", "is no key here", "see `aftercare api-key list`")])
    person = find.staff(by, clinic_id=key.feed.clinic_id, roles=MAY_GIVE_KEYS, field="by")
    if key.revoked_at is not None:
        return False
    key.revoked_at, key.revoked_by = now, f"staff:{person.pk}"
    key.save(update_fields=["revoked_at", "revoked_by"])
    if not ApiKey.objects.filter(feed=key.feed, revoked_at__isnull=True).exists():
        Feed.objects.filter(pk=key.feed_id).update(ended_at=now)
    record(
        clinic_id=key.feed.clinic_id, kind="api_key_revoked", subject=f"api_key:{key.pk}",
        actor=f"staff:{person.pk}", at=now, sealed=True,
    )  # fmt: skip
    return True


def admit(*, key: str, source: str, now: datetime) -> tuple[Feed, str]:
    """The feed that a key speaks for, and by whom, "key:3"; noted as heard. Raises NotAdmitted.

    The hash of 256 random bits is looked up by its index: there is nothing to guess letter by letter.
    """
    known = ApiKey.objects.select_related("feed").filter(sha256=_hash(key), revoked_at__isnull=True).first()
    if known is None or known.feed.source != source:
        raise NotAdmitted(known=known is not None)
    if known.used_at is None or known.used_at <= now - EVERY:
        ApiKey.objects.filter(pk=known.pk).update(used_at=now)
    heard(known.feed, now)
    return known.feed, f"key:{known.pk}"


def heard(feed: Feed, now: datetime) -> None:
    """Note that a calendar spoke: what it said before is still true as far as it knows."""
    Feed.objects.filter(pk=feed.pk, heard_at__lte=now - EVERY).update(heard_at=now)


@transaction.atomic
def alarm_silent(*, now: datetime) -> int:
    """Tell staff of each calendar that has been silent for as long as its clinic allows, once a silence; how many."""
    silent = {
        f"feed_silent:{each.pk}:{each.heard_at.isoformat()}": each
        for each in Feed.objects.filter(ended_at__isnull=True).select_related("clinic").order_by("pk")
        if each.heard_at <= now - timedelta(hours=each.clinic.feed_alarm_hours)
    }
    told = set(StaffTask.objects.filter(cause__in=silent).values_list("cause", flat=True))
    fresh = {cause: each for cause, each in silent.items() if cause not in told}
    for cause, each in fresh.items():
        open_task(
            clinic_id=each.clinic_id, client_id=None, kind="feed_silent", cause=cause,
            facts={"feed": each.pk, "source": each.source, "heard_at": each.heard_at.isoformat()},
            due_at=each.heard_at + timedelta(hours=each.clinic.feed_hold_hours), now=now,
        )  # fmt: skip
    return len(fresh)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
