"""The keys of the tests: each is one letter, f for fields and p for fingerprints where nothing else is said."""

from __future__ import annotations

import base64


def key(letter: str) -> str:
    """A key of 32 bytes, made of one letter."""
    return base64.urlsafe_b64encode(letter.encode() * 32).decode()
