"""A short soak on every run of the tests: real parts, a seeded storm, and every count is zero (P1-P6, P11)."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.processes.commands import ROOT
from tests.soak.checker import COUNTS

SEED, SECONDS, WAVE = 20261142, "26", "40"  # every kind of fault is in it
SLACK = "10"  # seconds: other tests run beside it on two cores, and the provider may be slow to note an arrival


@pytest.mark.processes
def test_a_short_storm_loses_doubles_and_oversteps_nothing(tmp_path):
    """Killed, frozen, cut off and lied to: nothing lost, doubled, after a stop, unapproved or out of hours (P11)."""
    output = tmp_path / "soak.json"
    command = [sys.executable, "-m", "tests.soak", "--seed", str(SEED), "--seconds", SECONDS, "--wave", WAVE,
               "--slack", SLACK]  # fmt: skip
    done = subprocess.run(
        [*command, "--output", str(output)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=400
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    (said,) = json.loads(output.read_text(encoding="utf-8"))
    assert said["counts"] == dict.fromkeys(COUNTS, 0)
    assert (said["clean"], said["seed"], said["mutation"]) == (True, SEED, None)
    assert said["kills"] > 0
    assert said["messages_sent"] > 0
