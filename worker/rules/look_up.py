"""How a name is compared when somebody is looked for."""

from __future__ import annotations

import unicodedata

SHORTEST = 3  # letters; shorter prefixes would tell more than they find


def normalised(name: str) -> str:
    """Without case and accents: "José" is found by "jose"."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))
