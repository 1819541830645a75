"""A disk beside the heads that has kept stops for ever, as in a house that has run for a while."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest
from django.conf import settings as here

from worker.actions.restore import coverage, spool


@pytest.fixture(autouse=True)
def old_spool(settings, tmp_path):
    """Each test has a disk of its own for the heads, and the spool on it began long ago."""
    settings.HEADS_FILE = str(tmp_path / "heads.jsonl")
    coverage.begin(datetime(2020, 1, 1, tzinfo=UTC))
    yield
    shutil.rmtree(spool.folder(), ignore_errors=True)
    assert here.HEADS_FILE
