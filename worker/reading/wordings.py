"""Whether the words that are shown before a yes say all they must, as `aftercare doctor` reports it (rules 3, 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.models import Wording
from worker.rules.consent_wording import is_checked, wording_faults

if TYPE_CHECKING:
    from collections.abc import Iterator


def unsound() -> Iterator[tuple[str, str, str]]:
    """Every fault of a wording's newest version: which one, what it lacks, and the mend."""
    for wording in _newest():
        for fault in wording_faults(wording.text, code=wording.code, language=wording.language, field=_name(wording)):
            yield fault.field, fault.problem, fault.mend


def unknown() -> list[str]:
    """The wordings in languages whose words are not known here: a person has to check them."""
    return [_name(wording) for wording in _newest() if not is_checked(wording.language)]


def _newest() -> list[Wording]:
    """What people agreed to before stays as it was; only what may still be shown is looked at."""
    ordered = Wording.objects.select_related("clinic").order_by("clinic_id", "code", "language", "version")
    return list({(each.clinic_id, each.code, each.language): each for each in ordered}.values())


def _name(wording: Wording) -> str:
    whose = wording.clinic.slug if wording.clinic else "shipped"
    return f"{whose} wording {wording.code}@{wording.version} {wording.language}"
