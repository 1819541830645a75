"""What a pause stops, by the names that people type: a clinic's slug, a protocol's code, a sender's identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from worker.models.clinic import Clinic, Sender
from worker.models.hold import PauseScope
from worker.models.protocol import Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

TOLD_BY: dict[PauseScope, tuple[Any, str, str]] = {
    PauseScope.CLINIC: (Clinic, "slug", "slug"),
    PauseScope.PROTOCOL: (Protocol, "code", "clinic__slug"),
    PauseScope.SENDER: (Sender, "identity", "clinic__slug"),
}
"""Of each scope whose value is an id: the model, its name, and whose it is."""


class ScopeName(NamedTuple):
    """The name, and the slug of the clinic that it belongs to; both "" for what has none."""

    scope: PauseScope
    name: str = ""
    clinic: str = ""

    def __str__(self) -> str:
        """As status, refusals and acts say it: "protocol CODE of SLUG"."""
        of = f" of {self.clinic}" if self.scope in (PauseScope.PROTOCOL, PauseScope.SENDER) and self.clinic else ""
        return f"{self.scope} {self.name}{of}".rstrip()


def name_of(scope: PauseScope | str, value: str) -> ScopeName:
    """The name of one."""
    return names_of([(scope, value)])[scope, value]


def names_of(pauses: Iterable[tuple[PauseScope | str, str]]) -> dict[tuple[str, str], ScopeName]:
    """The names of many by scope and value, in a statement a scope at most; what is gone keeps its id."""
    asked = {(PauseScope(scope), value) for scope, value in pauses}
    told = {(str(scope), value): ScopeName(scope, value) for scope, value in asked}
    for scope, (model, name, clinic) in TOLD_BY.items():
        ids = [int(value) for one, value in asked if one is scope]
        if ids:
            found: QuerySet[Any] = model.objects.filter(pk__in=ids)
            for pk, said, slug in found.values_list("pk", name, clinic):
                told[str(scope), str(pk)] = ScopeName(scope, said, slug)
    return told
