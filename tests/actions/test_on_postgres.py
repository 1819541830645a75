"""The tests of actions and models once more, on a private PostgreSQL: its locks are not SQLite's (P2, P4)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from tests.postgres import MISSING, PrivatePostgres, find_binaries

ROOT = Path(__file__).resolve().parents[2]
SLOW = ("tests/actions/test_approve.py", "tests/actions/test_plan_machine.py")  # hours of arithmetic, little database
WHAT = ("tests/actions", "tests/models", "tests/reading", "tests/test_sealed.py")


@pytest.mark.postgres
@pytest.mark.processes
def test_actions_and_models_hold_on_postgresql():
    """Claiming, deciding, revoking and every constraint, in one pytest of its own; its summary is printed."""
    if os.environ.get("TEST_DATABASE"):
        pytest.skip("this run is on PostgreSQL already")
    if find_binaries() is None:
        warnings.warn_explicit(pytest.PytestWarning(f"NOT TESTED ON POSTGRESQL. {MISSING}"), None, __file__, 1)
        pytest.skip(f"NOT TESTED ON POSTGRESQL. {MISSING}")
    command = [sys.executable, "-m", "pytest", *WHAT, *(f"--ignore={path}" for path in SLOW)]
    with PrivatePostgres(settings={"fsync": "off"}) as server:
        run = subprocess.run(
            [*command, "-q", "-p", "no:cacheprovider", "--tb=short"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "TEST_DATABASE": server.create("aftercare")},
        )
    tail = "\n".join(run.stdout.splitlines()[-40:])
    print(tail)
    passed = re.search(r"(\d+) passed", tail)
    assert run.returncode == 0, f"{tail}\n{run.stderr[-2000:]}"
    assert passed
    assert int(passed[1]) > 300
