"""Field choices and constraints that several tables share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import CheckConstraint, Q

from worker.rules.names import Channel, MessageClass, Purpose

if TYPE_CHECKING:
    from enum import StrEnum


def choices(kind: type[StrEnum]) -> list[tuple[str, str]]:
    """A StrEnum as Django choices."""
    return [(member.value, member.value) for member in kind]


def one_of(field: str, kind: type[StrEnum], *, name: str) -> CheckConstraint:
    """The database itself refuses a word that the field doesn't know."""
    return CheckConstraint(condition=Q(**{f"{field}__in": [member.value for member in kind]}), name=name)


def both_or_neither(first: str, second: str, *, name: str) -> CheckConstraint:
    """Two fields that say one thing (approved at, approved by) are set together or not at all."""
    return CheckConstraint(
        condition=Q(**{f"{first}__isnull": True, f"{second}__isnull": True})
        | Q(**{f"{first}__isnull": False, f"{second}__isnull": False}),
        name=name,
    )


CHANNELS = choices(Channel)
PURPOSES = choices(Purpose)
CLASSES = choices(MessageClass)
