"""What arguments of several verbs may look like; anything else is a usage error before the database is asked."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_ID = 2**63 - 1  # what a database column holds


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


def row_id(said: str) -> int:
    """An id of one of our rows. Anything else is a usage error."""
    if not (said.isascii() and said.isdigit() and 0 < int(said) <= LARGEST_ID):
        raise argparse.ArgumentTypeError("is no id; see `aftercare messages`")
    return int(said)
