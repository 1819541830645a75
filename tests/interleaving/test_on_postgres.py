"""The same schedules on a private PostgreSQL, whose locks are not SQLite's; beside the others, for it takes as long."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from django.db import connection

from tests.postgres import MISSING, PrivatePostgres, find_binaries

ROOT = Path(__file__).resolve().parents[2]
QUICK = {"fsync": "off", "full_page_writes": "off", "jit": "off"}  # nobody pulls the plug here
SAID = re.compile(r"P2: (\d+) schedules")


@pytest.mark.postgres
@pytest.mark.processes
@pytest.mark.skipif(connection.vendor == "postgresql", reason="this run is on PostgreSQL already")
def test_stop_is_final_on_postgresql(request):
    """Every schedule and every known mistake, in one pytest of its own; what it played is counted here."""
    if find_binaries() is None:
        warnings.warn_explicit(pytest.PytestWarning(f"NOT TESTED ON POSTGRESQL. {MISSING}"), None, __file__, 1)
        pytest.skip(f"NOT TESTED ON POSTGRESQL. {MISSING}")
    command = [sys.executable, "-m", "pytest", str(Path(__file__).parent), "-q", "-p", "no:cacheprovider", "--tb=short"]
    with PrivatePostgres(settings=QUICK) as server:
        run = subprocess.run(
            command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "TEST_DATABASE": server.create("aftercare")},
        )
    assert run.returncode == 0, f"{run.stdout[-4000:]}\n{run.stderr[-2000:]}"
    played = SAID.search(run.stdout)
    assert played
    request.node.user_properties.append(("schedules", ("postgresql", int(played[1]))))
