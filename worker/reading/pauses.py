"""What is paused as one clinic feels it: what stops everything, and its own; never another's (rule 144, P10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Q

from worker.models import Staff
from worker.models.hold import PauseScope
from worker.models.scope_names import names_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from worker.models import Clinic, Pause

EVERYBODYS = (PauseScope.ALL, PauseScope.DRAIN, PauseScope.CHANNEL)
STAFF = "staff:"


def felt(standing: Iterable[Pause], clinic: Clinic) -> list[Pause]:
    """Those of the pauses that keep a message of this clinic from going."""
    rows = list(standing)
    own = _own(rows, clinic)
    return [each for each in rows if each.scope in EVERYBODYS or each.pk in own]


def told(standing: Iterable[Pause], clinic: Clinic) -> dict[int, dict[str, Any]]:
    """Of each pause `ours`, when the clinic's people may end it, and `who` gave it.

    `who` is a name where she is one of this clinic's, None where she is another's, else as the record has it.
    """
    rows = list(standing)
    own, people = _own(rows, clinic), _people(rows)
    found = {}
    for each in rows:
        person = people.get(each.by.casefold())
        name = str(person) if person is not None and person.clinic_id == clinic.pk else None
        found[each.pk] = {"ours": each.pk in own, "who": each.by if person is None else name}
    return found


def is_ours(pause: Pause, clinic: Clinic) -> bool:
    """True for a pause of this clinic, of a protocol or of a sender of it."""
    return pause.pk in _own([pause], clinic)


def _own(standing: Iterable[Pause], clinic: Clinic) -> set[int]:
    rows = list(standing)
    names = names_of((each.scope, each.value) for each in rows)
    return {each.pk for each in rows if names[each.scope, each.value].clinic == clinic.slug}


def _people(standing: Iterable[Pause]) -> dict[str, Staff]:
    """Who of these is somebody's staff: by her number, as pages write it, or by what she typed behind `--by`."""
    said = {each.by for each in standing}
    if not said:
        return {}
    ids = {each.removeprefix(STAFF) for each in said if each.startswith(STAFF)}
    named = Q(pk__in=[int(each) for each in ids if each.isascii() and each.isdigit()])
    for each in said - {f"{STAFF}{each}" for each in ids}:
        named |= Q(email__iexact=each) | Q(name__iexact=each)
    keys: dict[str, Staff] = {}
    for person in Staff.objects.filter(named):
        keys |= {f"{STAFF}{person.pk}": person, person.email.casefold(): person, person.name.casefold(): person}
    return keys
