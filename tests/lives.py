"""How many random lives the tests with Hypothesis live: in `make test` the same ones each time, elsewhere new ones.

What decides whether a change lands must give the same answer twice; what looks for the unknown must not. So `make test`
plays the same few lives, and `LIVES=40 make test T=...` (`make soak-lives`) forty times as many, other ones each time.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

TIMES = int(os.environ.get("LIVES", "0"))


def choose_profile() -> None:
    """Set Hypothesis' defaults; to be called before any module of tests is read, since each takes them over there."""
    settings.register_profile("the same", derandomize=True, deadline=None, database=None, print_blob=True)
    settings.register_profile("others", deadline=None, database=None, print_blob=True)
    settings.load_profile("others" if TIMES else "the same")


def live(machine: type[RuleBasedStateMachine], *, lives: int, steps: int, shrink: bool = True) -> None:
    """Play a state machine; `lives` are multiplied by LIVES, `shrink` looks for the shortest life that fails."""
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=lives * max(TIMES, 1), stateful_step_count=steps, phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
