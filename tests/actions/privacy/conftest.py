"""Keys that can be exchanged in the middle of a test."""

from __future__ import annotations

import base64

import pytest

from worker import sealed


def key(letter: str) -> str:
    """A key made of one letter; the tests' own are f and p."""
    return base64.urlsafe_b64encode(letter.encode() * 32).decode()


@pytest.fixture
def keys(settings):
    """Set the lists by letters, newest first: keys(field="nf", prints="qp"). A process restarted with new lists."""

    def exchange(*, field: str = "", prints: str = "") -> None:
        if field:
            settings.FIELD_KEYS = [key(letter) for letter in field]
        if prints:
            settings.FINGERPRINT_KEYS = [key(letter) for letter in prints]
        sealed.forget_keys()

    return exchange
