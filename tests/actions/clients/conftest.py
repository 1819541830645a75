"""Enrolling is the subject here: nobody is put back."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _really(really):
    """See `really`."""
