"""What a refused input looks like: which field, what is wrong with it, and how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Refusal(Exception):
    """One input that was refused; nothing has been changed by it.

    The words never repeat the value itself: a refusal may be logged or shown to another person (P9).

    Args:
        field: the field's name as its sender knows it, e.g. ``phone`` or ``client.email``.
        problem: what is wrong, in a few words.
        mend: what to do about it.
    """

    __slots__ = ("_field", "_mend", "_problem")

    def __init__(self, field: str, problem: str, mend: str) -> None:
        super().__init__(field, problem, mend)
        self._field = field
        self._problem = problem
        self._mend = mend

    @property
    def field(self) -> str:
        """The refused field."""
        return self._field

    @property
    def problem(self) -> str:
        """What is wrong with it."""
        return self._problem

    @property
    def mend(self) -> str:
        """How to mend it."""
        return self._mend

    def __str__(self) -> str:
        return f"{self._field}: {self._problem}; {self._mend}"

    def __eq__(self, other: object) -> bool:
        return self.args == other.args if isinstance(other, Refusal) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.args)


class Refusals(Exception):
    """Every fault of one input at once, so that its sender mends them in one go."""

    __slots__ = ("_faults",)

    def __init__(self, faults: Iterable[Refusal]) -> None:
        found = tuple(faults)
        if not found:
            msg = "Refusals needs at least one Refusal"
            raise ValueError(msg)
        super().__init__(found)
        self._faults = found

    @property
    def faults(self) -> tuple[Refusal, ...]:
        """The refusals, in the order they were found."""
        return self._faults

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self._faults)
