"""`make soak-guards`: each guard is taken out; the checker must see it, and so must the guard's own test.

`python -m tests.soak.guards [NAME...]` exits 0 when every mutation was caught by the count that it names.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.postgres import find_binaries
from tests.processes.commands import ROOT
from tests.soak import report
from tests.soak.faults import Fault
from tests.soak.run import Score

OUTPUT = Path("var/soak-guards.json")
SECONDS = 20.0
SILENCE = 34.0  # long enough for a lease to end, and for what then happens
DOUBTS = {"doubt": 1}
STOPS = {"stop": 1}
MUTE = {"missing": 1.0}  # a receipt would settle what the guard is there for


def _each(seconds: float, kind: str, whom: str, **more: Any) -> tuple[Fault, ...]:
    """The same blow again and again, from the fourth second on."""
    return tuple(Fault(float(at), kind, whom, more) for at in range(4, int(SILENCE), max(1, int(seconds))))


def _sky(**sky: Any) -> tuple[Fault, ...]:
    return (Fault(1.0, "weather", "provider", {"sky": sky, "seconds": SILENCE}),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A mutation, the count that catches it, the guard's own test (a pytest id), and the soak in which it shows."""

    mutation: str
    caught: str
    test: str
    faults: tuple[Fault, ...] = ()
    seconds: float = SECONDS
    postgres: bool = False  # only there: SQLite has one writer at a time, whatever is locked
    drops: str = ""  # an index that would see the mistake before anybody's phone rings
    play: dict[str, Any] = field(default_factory=dict)

    def score(self, seed: int, *, postgres: bool) -> Score:
        """The short soak for it."""
        given = {"wave": 90, "share": 0.3, "walk": False, "pace": 2.5, **self.play}
        return Score(
            seed=seed, seconds=self.seconds, postgres=postgres or self.postgres, mutation=self.mutation,
            faults=self.faults, drops=self.drops, **given,
        )  # fmt: skip


ROWS, RECORD, TWO, DOUBT = (
    f"tests/actions/send/test_{name}.py" for name in ("gate_in_rows", "record", "two_workers", "doubt")
)
KILLS = _each(3, "kill worker", "worker-1") + _each(4, "kill worker", "worker-2")
SLOW = _sky(latency_ms=400, callbacks=MUTE)
LEAPS = {"blind": 0.7, "share": 0.02, "pace": 4.0}  # much is late, and night lasts for longer than the measuring error
A_DAY = 45.0  # seconds, more or less: whoever was written to is written to again
GUARDS = (
    Guard(
        mutation="no lock of the standing", caught="after stop", postgres=True, play={"acts": DOUBTS, "share": 0.8},
        test=f"{TWO}::test_a_decision_never_overtakes_a_revocation_that_holds_the_lock",
    ),
    Guard(
        mutation="decided by stale facts", caught="after stop", play={"acts": DOUBTS, "share": 0.8},
        test="tests/interleaving/test_stop_is_final.py::test_every_order_of_a_worker_and_a_revocation",
    ),
    Guard(
        mutation="no second look at the clock", caught="after stop", seconds=A_DAY,
        play={"acts": STOPS, "share": 0.6, "wait": 4.0, "pace": 8.0, "blind": 0.0},
        test="tests/actions/send/test_first_byte.py::test_a_late_text_leaves_no_byte_and_is_decided_again",
    ),
    Guard(
        mutation="what fell silent is sent again", caught="doubled", seconds=SILENCE, faults=(*SLOW, *KILLS),
        test=f"{RECORD}::test_a_silent_worker_leaves_doubt_not_a_second_call",
    ),
    Guard(
        mutation="no answer means not sent", caught="doubled", seconds=SILENCE,
        faults=_sky(api=[{"kind": "drop", "count": 12}], callbacks=MUTE),
        test="tests/journeys/test_provider_trouble.py::test_a_lost_answer_without_receipt_stays_unknown",
    ),
    Guard(
        mutation="a 5xx means not sent", caught="doubled", seconds=A_DAY, play={"pace": 6.0},
        # few: a provider that is busy for long is left alone, and what it had taken would not be asked again in time
        faults=_sky(api=[{"kind": "503", "count": 8, "accepted": True}], callbacks=MUTE),
        test=f"{DOUBT}::test_a_text_that_never_arrived_is_sent_once_more",
    ),
    Guard(
        mutation="no unique occasion", caught="doubled", seconds=A_DAY,
        play={"acts": {"again": 1}, "share": 0.6, "blind": 0.0},
        test="tests/actions/course/test_plan.py::test_planning_twice_plans_once",
    ),
    Guard(
        mutation="not marked before the call", caught="doubled", seconds=SILENCE, drops="attempt_rings_once",
        test=f"{ROWS}::test_with_everything_in_order_it_goes_once",
    ),
    Guard(
        mutation="no look at the hours", caught="out of hours", seconds=A_DAY, play=LEAPS,
        test=f"{ROWS}::test_at_night_it_waits_for_the_morning",
    ),
    Guard(
        mutation="no look at the approval", caught="unapproved", test=f"{ROWS}::test_a_withdrawn_approval_withholds",
    ),
    Guard(
        mutation="no look at the approved hash", caught="unapproved", seconds=A_DAY, play={"wave": 150},
        test=f"{ROWS}::test_a_text_changed_behind_our_back_is_withheld",
    ),
    Guard(
        mutation="no last useful moment", caught="outdated", seconds=A_DAY, play=LEAPS,
        test=f"{ROWS}::test_past_its_time_it_is_missed",
    ),
    Guard(
        mutation="the last receipt wins", caught="untrue", faults=_sky(callbacks={"reversed": True, "copies": 2}),
        test=f"{RECORD}::test_receipts_in_any_order_end_in_the_same_state",
    ),
    Guard(
        mutation="deaf to STOP", caught="after stop", seconds=A_DAY, play={"acts": STOPS, "blind": 0.0},
        test="tests/rules/test_words.py::test_every_listed_word_revokes_however_it_is_dressed",
    ),
    Guard(
        mutation="written as sent before the call", caught="lost",
        faults=(*_sky(api=[{"kind": "429", "count": 40}]), *KILLS),
        test="tests/actions/send/test_shift.py::test_every_outcome_finds_its_state",
    ),
    Guard(
        mutation="nobody doubts the silent", caught="lost", faults=(*SLOW, *KILLS),
        test=f"{RECORD}::test_a_silent_worker_leaves_doubt_not_a_second_call",
    ),
    Guard(
        mutation="no look at the consent", caught="without consent",
        test=f"{ROWS}::test_without_an_active_consent_it_is_withheld",
    ),
)  # fmt: skip
CONTROL = Guard(
    mutation="a slow machine", caught="", test="", seconds=30.0, faults=KILLS[:6],
    play={"acts": DOUBTS | STOPS, "share": 0.8, "pace": 6.0},
)  # fmt: skip


def soaked(guard: Guard, seed: int, *, postgres: bool) -> dict[str, Any]:
    """One mutated soak in a process of its own, for Django knows one database a process."""
    with tempfile.TemporaryDirectory(prefix="aftercare-guard-") as folder:
        output = Path(folder) / "said.json"
        command = [sys.executable, "-m", "tests.soak.one", guard.mutation, str(seed), str(int(postgres)), str(output)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=400)
        if not output.exists():
            return {"broke": done.stderr[-800:], "counts": {}, "clean": False}
        import json

        said: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))[0]
        return said


def failing(guard: Guard) -> bool:
    """True when the guard's own test fails once the guard is gone."""
    path = os.pathsep.join((str(Path(__file__).with_name("mutant")), str(ROOT)))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", guard.test]
    env = {**os.environ, "PYTHONPATH": path, "SOAK_MUTATION": guard.mutation, "SOAK_A_WHILE": "0"}
    if guard.postgres:
        env["TEST_DATABASE"] = "postgres"
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=env, timeout=300)
    return done.returncode == 1  # 1: tests were run, and failed


def main() -> int:
    """Take out one guard after the other."""
    parser = argparse.ArgumentParser(prog="make soak-guards", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these mutations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("postgres", "sqlite"), help="default: postgres where it is installed")
    parser.add_argument("--output", type=Path, default=OUTPUT, help=f"where the figures go (default {OUTPUT})")
    options = parser.parse_args()
    postgres = options.database != "sqlite" and find_binaries() is not None
    results, missed = [], []
    for guard in (*GUARDS, CONTROL):
        if options.names and guard.mutation not in options.names:
            continue
        if guard.postgres and not postgres:
            print(f"not tried, for it needs PostgreSQL: {guard.mutation}")
            continue
        said, good = _try(guard, options.seed, postgres=postgres)
        results.append(said)
        missed += [] if good else [guard.mutation]
    report.write(results, options.output)
    print(f"{len(results) - len(missed)} of {len(results)} as they should be; all figures: {options.output}")
    return 1 if missed else 0


def _try(guard: Guard, seed: int, *, postgres: bool) -> tuple[dict[str, Any], bool]:
    began = time.monotonic()
    said = soaked(guard, seed, postgres=postgres)
    found = {name: count for name, count in said["counts"].items() if count}
    if guard is CONTROL:
        good, told = bool(said["clean"]), "nothing is found without a mistake"
    else:
        fails = failing(guard)
        said["own_test"] = {guard.test: "fails" if fails else "PASSES"}
        good = found.get(guard.caught, 0) > 0 and fails
        told = f"caught as {guard.caught}, its own test {'fails' if fails else 'PASSES'}"
    mark = "ok    " if good else "MISSED"
    broke = f"; {said['broke'][-200:]}" if said.get("broke") else ""
    print(
        f"{mark} {guard.mutation}: {told}; {found or 'nothing'}{broke} ({time.monotonic() - began:.0f} s)", flush=True
    )
    return said, good


if __name__ == "__main__":
    sys.exit(main())
