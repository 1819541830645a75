"""Publish how far each chain has come, outside the database: a line in the log and one in HEADS_FILE (P8)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from django.conf import settings

from worker import heads
from worker.actions.send.tend import seal_clinic, seal_decisions
from worker.models import Clinic, Seal
from worker.models.chain import INSTALLATION
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime

    from worker.heads import Head

log = structlog.get_logger("aftercare.heads")


@dataclass(frozen=True, slots=True)
class Published:
    """A head that was signed, and whether HEADS_FILE has it: a file that can't be written stops nothing else."""

    head: Head
    kept: bool


def publish_all(*, now: datetime) -> list[Published]:
    """Seal what is open and publish the head of every chain that has grown; twice at once is harmless."""
    while seal_decisions():
        pass
    before = _newest()
    names = {INSTALLATION: heads.INSTALLATION, **dict(Clinic.objects.order_by("pk").values_list("pk", "slug"))}
    made = (_publish(clinic_id, slug, before.get(slug), now) for clinic_id, slug in names.items())
    return [each for each in made if each]


def publish(*, clinic: Clinic, now: datetime) -> Published:
    """A head that covers everything in one clinic's chain by now; the caller has just sealed a row of it.

    Raises Refusals where the chain contradicts an earlier head: no new signature may cover that up.
    """
    while seal_clinic(clinic.pk):
        pass
    before = _newest().get(clinic.slug)
    if before is not None and not _fits(clinic.pk, before):
        raise Refusals([Refusal("record", "does not hold against its published heads", "run: aftercare verify")])
    made = _publish(clinic.pk, clinic.slug, before, now)
    if made is None:  # somebody else published it just now
        assert before is not None
        return Published(before, kept=True)
    return made


def _newest() -> dict[str, Head]:
    """Of each chain the head that came farthest, as HEADS_FILE has it; none when it can't be read."""
    try:
        return heads.newest(Path(settings.HEADS_FILE), heads.public_keys())
    except OSError as error:
        log.error("heads_unreadable", error=type(error).__name__)
        return {}


def _publish(clinic_id: int, slug: str, before: Head | None, now: datetime) -> Published | None:
    """None where nothing is new, or where the chain contradicts what was published: that is for `verify` to tell."""
    last = Seal.objects.filter(clinic_id=clinic_id).order_by("-number").first()
    if before is not None and not _fits(clinic_id, before):
        log.error("chain_contradicts_head", clinic=slug, seal=before.seal)
        return None
    if last is None or (before is not None and last.number == before.seal):
        return None
    head = heads.signed_head(clinic=slug, seal=last.number, head=last.head, now=now)
    log.info("chain_head", **head.as_json())
    return Published(head, kept=_kept(head))


def _fits(clinic_id: int, before: Head) -> bool:
    return Seal.objects.filter(clinic_id=clinic_id, number=before.seal, head=before.head).exists()


def _kept(head: Head) -> bool:
    try:
        heads.append(Path(settings.HEADS_FILE), head)
    except OSError as error:
        log.error("heads_unwritable", error=type(error).__name__, clinic=head.clinic, seal=head.seal)
        return False
    return True
