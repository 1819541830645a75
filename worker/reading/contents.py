"""What the chain holds by its hash alone: wordings, protocol texts, approvals, and the evidence of a consent."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import F, Q

from worker import sealed
from worker.models import Approval, Client, ConsentEvent, Event, Evidence, ProtocolVersion, Wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.models.consent import ConsentEvent as Consent

PAGE = 1000


def contents() -> Iterator[str]:
    """Every fault of what hashes stand for, each naming the row."""
    yield from _wordings()
    yield from _versions()
    first = set(_approvals())
    yield from (each for each in _approvals() if each in first)  # one given while we looked is whole the second time
    yield from _evidence()


def _wordings() -> Iterator[str]:
    for pk, text, digest in Wording.objects.order_by("pk").values_list("pk", "text", "sha256").iterator(PAGE):
        if _sha256(text) != digest:
            yield f"wording row {pk} was changed"
    other = ConsentEvent.objects.filter(wording__isnull=False).exclude(wording__sha256=F("wording_sha256"))
    for pk, wording_id in other.order_by("pk").values_list("pk", "wording_id"):
        yield f"wording row {wording_id} is not the one that consent row {pk} was given to"


def _versions() -> Iterator[str]:
    rows = ProtocolVersion.objects.order_by("pk").values_list("pk", "document", "sha256")
    for pk, document, digest in rows.iterator(PAGE):
        if _sha256(document) != digest:
            yield f"protocol version {pk} was changed"


def _approvals() -> Iterator[str]:
    """Each approval against the sealed event that was written with it, and each event against its approval."""
    notes = {name: list(Event.objects.filter(kind=name).order_by("pk")) for name in ("approved", "withdrawn")}
    given = {_given(note): note for note in notes["approved"]}
    ended = {(note.subject, note.at, note.actor) for note in (*notes["withdrawn"], *notes["approved"])}
    for row in Approval.objects.order_by("pk"):
        subject = f"version:{row.version_id}"
        key = (subject, row.approved_at, f"staff:{row.by_id}", row.sha256, row.licence, row.review_by)
        if given.pop(key, None) is None:
            yield f"approval row {row.pk} was changed or inserted: no record of it as it stands"
        if row.withdrawn_at and (subject, row.withdrawn_at, f"staff:{row.withdrawn_by_id}") not in ended:
            yield f"approval row {row.pk} was withdrawn without a record"
    for note in given.values():
        yield f"the approval that event row {note.pk} records was changed or removed"
    for note in notes["withdrawn"]:
        still = Approval.objects.filter(version_id=_id(note.subject), approved_at__lt=note.at)
        if still.filter(Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gt=note.at)).exists():
            yield f"the withdrawal that event row {note.pk} records was undone"


def _given(note: Event) -> tuple[Any, ...]:
    said = note.facts
    try:
        review_by = datetime.fromisoformat(said["review_by"])
    except (KeyError, TypeError, ValueError):
        review_by = None
    return (note.subject, note.at, note.actor, said.get("sha256"), said.get("licence"), review_by)


def _id(subject: str) -> int:
    return int(subject.partition(":")[2])


def _evidence() -> Iterator[str]:
    """What was said is what the ledger committed to; only an erasure may empty it."""
    erased = set(Client.objects.filter(erased_at__isnull=False).values_list("pk", flat=True))
    committed = ConsentEvent.objects.exclude(commitment="").select_related("evidence").order_by("pk")
    for act in committed.iterator(PAGE):
        yield from _one(act, may_be_empty=act.client_id is None or act.client_id in erased)
    for pk in Evidence.objects.filter(event__commitment="").order_by("pk").values_list("event_id", flat=True):
        yield f"evidence of consent row {pk} was inserted"


def _one(act: Consent, *, may_be_empty: bool) -> Iterator[str]:
    stored = getattr(act, "evidence", None)
    if stored is None:
        yield f"evidence of consent row {act.pk} was removed"
    elif stored.sealed is None or stored.salt is None:
        if not may_be_empty:
            yield f"evidence of consent row {act.pk} was emptied without an erasure"
    else:
        try:
            said = sealed.unseal(stored.sealed, "consent.evidence")
        except sealed.Unreadable as error:
            yield f"evidence of consent row {act.pk} can't be checked: {error}"
            return
        if sealed.commitment(said, bytes(stored.salt)) != act.commitment:
            yield f"evidence of consent row {act.pk} was changed"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
