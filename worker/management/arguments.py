"""What arguments of several verbs may look like; anything else is a usage error before the database is asked."""

from __future__ import annotations

import argparse
import math
import os
from datetime import datetime
from typing import TYPE_CHECKING, Any

from worker.rules import said as rules_of
from worker.rules.names import NOBODY
from worker.rules.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_ID = 2**63 - 1  # what a database column holds
YEARS = range(1900, 2200)  # as an enrolment has them
LONGEST_ACTOR = 60  # and what the record holds of a name


def words(longest: int = 10_000) -> Callable[[str], str]:
    """What a person says in an argument, at most `longest` characters.

    Bytes that are no UTF-8 become "?": a revocation must not be lost to the spelling of its reason.
    """

    def read(said: str) -> str:
        text = said.encode("utf-8", "replace").decode().replace("\0", "")
        if len(text) > longest:
            raise argparse.ArgumentTypeError(f"is longer than {longest} characters; say it shorter")
        return text

    return read


def person(longest: int = 10_000) -> Callable[[str], str]:
    """Who says so, in at most `longest` characters: a name, and never one by which the record means a machine.

    A pause `--by circuit` would end by itself with the provider's next good answer, while she who gave it believes that
    nothing leaves (rule 144).
    """
    read_words = words(longest)

    def read(said: str) -> str:
        text = _told(rules_of.one_line, read_words(said), "", "give your own name or email")
        if text.casefold() in NOBODY:
            raise argparse.ArgumentTypeError(
                "stands for a machine or a client in the record; give your own name or email"
            )
        return text

    return read


def reason(longest: int) -> Callable[[str], str]:
    """Why somebody does what stops or starts messages: one line of at most `longest` characters, never empty."""
    read_words = words(longest)

    def read(said: str) -> str:
        return _told(rules_of.reason, read_words(said), "")

    return read


def _told(rule: Callable[..., str], *said: str) -> str:
    try:
        return rule(*said)
    except Refusal as refused:
        raise argparse.ArgumentTypeError(f"{refused.problem}; {refused.mend}") from None


def operator() -> str:
    """Who says so where nobody is named: `command:`, and what the operating system calls its user, where it does."""
    try:
        import pwd

        name = pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError, AttributeError):
        return "command"  # no such system, or a container's number that nobody gave a name
    return f"command:{name}"[:LONGEST_ACTOR]


def named(said: str) -> str:
    """A name, which an unset variable of a script is not."""
    if not said.strip():
        raise argparse.ArgumentTypeError("is empty; name it, or leave it out")
    return said


def seconds(at_least: float) -> Callable[[str], float]:
    """A finite number of seconds, not below `at_least`."""

    def read(said: str) -> float:
        try:
            number = float(said)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or number < at_least:
            raise argparse.ArgumentTypeError(f"is no number of seconds from {at_least:g} on")
        return number

    return read


def moment(said: str) -> datetime:
    """A moment with its zone, of a year of ours: ten o'clock is another hour at each clinic.

    On its way to UTC, or to a client's zone, one at an end of the calendar would leave it.
    """
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        at = datetime.min  # noqa: DTZ901 - naive, and so refused
    if at.utcoffset() is None:
        raise argparse.ArgumentTypeError("is no moment with its zone, such as 2027-03-08T10:00:00-05:00")
    if at.year not in YEARS:
        raise argparse.ArgumentTypeError(f"is in no year from {YEARS[0]} to {YEARS[-1]}")
    return at


def whole(what: str, least: int, most: int) -> Callable[[str], int]:
    """A whole number of `what`, within limits; argparse's own words would list them all."""

    def read(said: str) -> int:
        if not (said.isascii() and said.isdigit() and len(said) < len(str(LARGEST_ID)) and least <= int(said) <= most):
            raise argparse.ArgumentTypeError(f"is no number of {what} from {least} to {most}")
        return int(said)

    return read


class Once(argparse.Action):
    """An option that may stand once: of two, argparse would forget the first without a word."""

    def __call__(
        self, _parser: argparse.ArgumentParser, options: argparse.Namespace, value: Any, _option: str | None = None
    ) -> None:
        """Keep its value. A second one is a usage error."""
        seen = options.__dict__.setdefault("_seen", set())
        if self.dest in seen:
            raise argparse.ArgumentError(self, "was given twice; name one, then the other in a call of its own")
        seen.add(self.dest)
        setattr(options, self.dest, value)


def row_id(said: str) -> int:
    """An id of one of our rows. Anything else is a usage error."""
    if not (said.isascii() and said.isdigit() and 0 < int(said) <= LARGEST_ID):
        raise argparse.ArgumentTypeError("is no id; see `aftercare messages`")
    return int(said)
