"""Which words are shown before a yes: the newest of each kind, the clinic's own before the shipped ones (rule 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from worker.models import Wording

if TYPE_CHECKING:
    from worker.models import Clinic

SERVICE, SERVICE_HOLDER, MARKETING, MARKETING_HOLDER = "service", "service-holder", "marketing", "marketing-holder"


def words(clinic: Clinic) -> dict[tuple[str, str], Wording]:
    """By code and language; in one query."""
    rows = Wording.objects.filter(Q(clinic=clinic) | Q(clinic__isnull=True)).order_by("version", "pk")
    chosen: dict[tuple[str, str], Wording] = {}
    for row in sorted(rows, key=lambda each: (each.clinic_id is not None, each.version)):
        chosen[row.code, row.language] = row
    return chosen


def reference(wording: Wording) -> str:
    """As an enrolment names it: service@1."""
    return f"{wording.code}@{wording.version}"
