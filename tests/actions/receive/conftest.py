"""Keys that can be exchanged, as where they rotate."""

from __future__ import annotations

from tests.actions.privacy.conftest import keys

__all__ = ["keys"]
