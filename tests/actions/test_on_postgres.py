"""The rows that locks and constraints guard, once more on a private PostgreSQL: its locks are not SQLite's (P2, P4).

Claiming, sending, hearing a STOP, consent, the plan that moves as one, and every constraint; of a test with many cases
any one, for the cases are arithmetic over the same rows. `TEST_DATABASE=postgres make test` runs all there is, and
costs as much again.
"""

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
PLANS = (
    "test_agree.py", "test_any_order.py", "test_plan.py", "test_plan_many.py", "test_two_hands.py", "test_unsettled.py",
)  # fmt: skip
PARTS = (
    ("consent", "receive", "restore", "../models", "../house/test_old_code.py"),
    ("send", *(f"course/{name}" for name in PLANS), "../web/test_dead_line.py"),
)
CASES_EACH = 1


@pytest.mark.postgres
@pytest.mark.processes
@pytest.mark.parametrize("part", PARTS, ids=("consent and constraints", "sending and plans"))
def test_actions_and_models_hold_on_postgresql(part):
    """Claiming, deciding, revoking and every constraint, in a pytest of its own; its summary is printed."""
    if os.environ.get("TEST_DATABASE"):
        pytest.skip("this run is on PostgreSQL already")
    if find_binaries() is None:
        warnings.warn_explicit(pytest.PytestWarning(f"NOT TESTED ON POSTGRESQL. {MISSING}"), None, __file__, 1)
        pytest.skip(f"NOT TESTED ON POSTGRESQL. {MISSING}")
    folders = [os.path.normpath(f"tests/actions/{name}") for name in part]
    command = [sys.executable, "-m", "pytest", *folders]
    with PrivatePostgres(settings={"fsync": "off"}) as server:
        run = subprocess.run(
            [*command, "-q", "-p", "no:cacheprovider", "--tb=short"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "TEST_DATABASE": server.create("aftercare"), "CASES_EACH": str(CASES_EACH)},
        )
    tail = "\n".join(run.stdout.splitlines()[-40:])
    print(tail)
    passed = re.search(r"(\d+) passed", tail)
    assert run.returncode == 0, f"{tail}\n{run.stderr[-2000:]}"
    assert passed
    assert int(passed[1]) > 20
