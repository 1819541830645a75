"""One soak from the empty folder to the verdict."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.soak import checker, evidence, faults, ground
from tests.soak.fleet import Storm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.soak.checker import Verdict
    from tests.soak.faults import Fault

ACTS = {"stop": 40, "link": 14, "desk": 16, "doubt": 16, "help": 6, "again": 8}


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What is played: all of it follows from the seed, the length and these numbers."""

    seed: int
    seconds: float
    postgres: bool
    wave: int
    share: float = 0.02  # of those who are written to say something at each step
    wait: float = 0.5  # seconds over which they say it
    newcomers: float = 0.5  # new clients come for this part of the time
    pace: float = 12.0  # seconds after which the calendar goes on, whatever still waits
    blind: float = 0.12  # how often the calendar leaps without asking what is due
    acts: Mapping[str, float] = field(default_factory=lambda: dict(ACTS))  # what people do, and how often
    walk: bool = True  # to the end step by step, else in one leap past all useful times
    slack: float = checker.SLACK  # the measuring error that is allowed, in seconds
    restore: bool = False  # the database is lost when the storm is over, and an older copy put back (PostgreSQL)
    mutation: str = ""
    drops: str = ""  # an index of ours that is taken out
    faults: tuple[Fault, ...] | None = None  # None: as the seed says

    def storm(self) -> list[Fault]:
        """The faults."""
        if self.faults is not None:
            return list(self.faults)
        return faults.stream(self.seed, self.seconds, postgres=self.postgres)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a run was, and what the checker says of it; `broke` is why it has no verdict."""

    score: Score
    verdict: Verdict
    struck: dict[str, int]
    kills: int
    deaths: dict[str, int]
    clients: int
    acts: dict[str, int]
    steps: int
    leaps: int
    seconds: float
    broke: str = ""
    restore: dict[str, Any] | None = None  # what the restore-check found, and how many seconds were lost
    not_struck: list[str] = field(default_factory=list)
    messages: dict[str, int] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Every count is zero, and something was sent."""
        return not self.broke and not self.verdict.faults and bool(self.verdict.sent)


def run(score: Score, home: Path) -> Outcome:
    """Play it in `home`, which must not be there yet. Raises CannotStart or CannotStartError."""
    began = time.monotonic()
    with ExitStack() as stack:
        here = ground.lay(stack, home, postgres=score.postgres, mutation=score.mutation)
        import django

        django.setup()
        outcome = _play(score, here)
    outcome.seconds = time.monotonic() - began
    return outcome


def _play(score: Score, here: ground.Ground) -> Outcome:
    from tests.soak.conductor import Conductor, Unsettled
    from tests.soak.crowd import Crowd
    from tests.soak.restore import drill

    crowd = Crowd(here, score)
    crowd.settle()
    journal = evidence.JOURNAL["postgresql" if score.postgres else "sqlite"]
    _carry_out([*journal, *([f"DROP INDEX {score.drops}"] if score.drops else [])])
    broke = ""
    with here.fleet as fleet:
        here.sandbox.faults(**faults.FAIR, seed=score.seed)
        storm = Storm(fleet, score.storm())
        conductor = Conductor(crowd, fleet, score)
        storm.start()
        try:
            conductor.play()
            storm.stop()
            if score.restore:
                fleet.calm()
                crowd.lost = drill(here, fleet, conductor)
            crowd.go_home()
            fleet.calm()
            conductor.drain()
        except Unsettled as error:
            broke = str(error)
        finally:
            storm.stop()
            crowd.write(here.home / "register.json", fleet.skews)
            verdict = _verdict(here, score.slack)
            fleet.stand_down()
            storm.leave()
    return Outcome(
        score=score, verdict=verdict, struck=dict(fleet.struck), kills=fleet.kills(), deaths=dict(fleet.deaths),
        clients=len(crowd.people), acts=_count(crowd.acts), steps=conductor.steps, leaps=conductor.leaps, seconds=0.0,
        broke=broke, not_struck=storm.failed, restore=crowd.lost and crowd.lost.told(),
    )  # fmt: skip


def _verdict(here: ground.Ground, slack: float) -> Verdict:
    return checker.judge(evidence.gather(here.url, here.outside, here.home / "register.json"), slack=slack)


def _carry_out(statements: list[str]) -> None:
    from django.db import connection

    with closing(connection.cursor()) as cursor:
        for statement in statements:
            cursor.execute(statement)


def _count(acts: list[Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for act in acts:
        found[act.kind] = found.get(act.kind, 0) + 1
    return found
