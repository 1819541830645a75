"""Every stop and every hold on record still stands: a silence can't be taken out of the tables unseen (P2, P8)."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from worker.models import ConsentEvent, Event, Standing, Suppression

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("revoked", "restored", "held", "released")


def silences(clinic_id: int) -> Iterator[str]:
    """Every stop and hold that its record knows and its standing does not, by the standing's number.

    Looks twice: who says START between one query and the next is whole the second time.
    """
    first = set(_lost(clinic_id))
    yield from (each for each in (_lost(clinic_id) if first else ()) if each in first)


def _lost(clinic_id: int) -> Iterator[str]:
    stops, holds = _on_record(clinic_id)
    standing = dict(Standing.objects.filter(clinic_id=clinic_id).values_list("pk", "held_at"))
    kept: dict[str, Counter[str]] = defaultdict(Counter)
    rows = Suppression.objects.filter(clinic_id=clinic_id, lifted_at__isnull=True)
    for pk, reason in rows.values_list("standing_id", "reason"):
        kept[_name(pk)][reason] += 1
    acts = ConsentEvent.objects.filter(clinic_id=clinic_id).exclude(standing_id__in=standing)
    for pk in acts.order_by("standing_id").values_list("standing_id", flat=True).distinct():
        yield f"standing {pk} was removed, and the ledger speaks of it"
    for pk, held_at in standing.items():
        name = _name(pk)
        if missing := stops[name] - kept[name]:
            yield f"standing {pk}: its stop ({', '.join(sorted(missing))}) was lifted, and no START is on record"
        if name in holds and held_at is None:
            yield f"standing {pk}: its hold was ended, and no release is on record"


def _on_record(clinic_id: int) -> tuple[dict[str, Counter[str]], set[str]]:
    """The stops that no START took back, by their reasons, and the holds that nobody released."""
    stops: dict[str, Counter[str]] = defaultdict(Counter)
    holds = set()
    told = Event.objects.filter(clinic_id=clinic_id, kind__in=KINDS, subject__startswith="standing:")
    for kind, subject, code in told.order_by("pk").values_list("kind", "subject", "code").iterator():
        if kind == "revoked":
            stops[subject][code] += 1
        elif kind == "restored":
            stops.pop(subject, None)
        elif kind == "held":
            holds.add(subject)
        else:
            holds.discard(subject)
    return stops, holds


def _name(standing_id: int) -> str:
    return f"standing:{standing_id}"
