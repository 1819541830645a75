"""Measure the raw limit: the poster against the stub."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.bench.ground import Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFigures:
    """Posts a second, and the poster's CPU milliseconds a post."""

    per_second: float
    cpu_ms: float

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def run(ground: Ground, posts: int) -> RawFigures:
    """Post `posts` times as fast as one process can."""
    ground.stub.reset()
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.bench.poster", "127.0.0.1", str(ground.stub.port), str(ground.authorities),
            str(posts),
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds = ground.stub.report()["seconds"]
    return RawFigures(per_second=(posts - 1) / seconds, cpu_ms=1000 * float(done.stdout) / posts)
