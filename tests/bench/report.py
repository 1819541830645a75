"""What was measured, as a table for people and as a file for machines; and whether it is good enough."""

from __future__ import annotations

import json
import os
import platform
import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.bench.raw import RawFigures
    from tests.bench.runs import Figures

LEAST_RATIO = 20.0  # times the naive baseline, in messages a second
MOST_CPU_MS = 1.0  # our processes, PostgreSQL and Redis together, a message


def summary(
    raw: Sequence[RawFigures], runs: Mapping[str, Sequence[Figures]], *, ours: str, naive: str
) -> dict[str, Any]:
    """Every figure of every run, the medians with their spread, and the two that decide."""
    return {
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "ratio_to_naive": round(_median(runs[ours], "per_second") / _median(runs[naive], "per_second"), 2),
        "cpu_ms_per_message": round(_median(runs[ours], "cpu_ms"), 4),
        "required": {"ratio_to_naive": LEAST_RATIO, "cpu_ms_per_message": MOST_CPU_MS},
        "measured_sender": ours,
        "raw": {
            "median": {name: _median(raw, name) for name in raw[0].plain()},
            "runs": [each.plain() for each in raw],
        },
        "senders": {
            name: {"median": _medians(figures), "runs": [each.plain() for each in figures]}
            for name, figures in runs.items()
        },
    }


def good_enough(result: Mapping[str, Any]) -> bool:
    """True when both required figures are met."""
    return bool(result["ratio_to_naive"] >= LEAST_RATIO and result["cpu_ms_per_message"] <= MOST_CPU_MS)


def write(result: Mapping[str, Any], path: Path) -> None:
    """Write the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def table(raw: Sequence[RawFigures], runs: Mapping[str, Sequence[Figures]], result: Mapping[str, Any]) -> str:
    """The medians as lines of text; behind each, in brackets, the smallest and the largest run."""
    columns = f"{'':34}{'messages/s':>22}{'CPU ms/message':>24}"
    columns += f"{'worker':>9}{'database':>10}{'redis':>8}{'RSS MB':>8}{'foreign':>9}{'sealing':>9}"
    lines = [columns, "-" * len(columns)]
    lines.append(
        f"{'raw poster, TLS, 64 connections':34}{_spread(raw, 'per_second', 0):>22}{_spread(raw, 'cpu_ms', 3):>24}"
    )
    for name, figures in runs.items():
        parts = [_median(figures, f"cpu_ms_{part}") for part in ("worker", "postgres", "redis")]
        lines.append(
            f"{name:34}{_spread(figures, 'per_second', 0):>22}{_spread(figures, 'cpu_ms', 3):>24}"
            f"{parts[0]:>9.3f}{parts[1]:>10.3f}{parts[2]:>8.3f}"
            f"{_median(figures, 'rss_mb'):>8.0f}{_median(figures, 'foreign_cores'):>9.2f}"
            f"{_median(figures, 'cpu_ms_sealing'):>9.3f}"
        )
    lines += [
        "",
        f"ratio to naive      {result['ratio_to_naive']:>7.1f}  (at least {LEAST_RATIO:g})",
        f"CPU ms a message    {result['cpu_ms_per_message']:>7.3f}  (at most {MOST_CPU_MS:g})",
    ]
    return "\n".join(lines)


def _median(figures: Sequence[Any], field: str) -> float:
    return float(statistics.median(getattr(each, field) for each in figures))


def _medians(figures: Sequence[Figures]) -> dict[str, Any]:
    names = [name for name, value in figures[0].plain().items() if isinstance(value, float)]
    return {name: round(_median(figures, name), 4) for name in names}


def _spread(figures: Sequence[Any], field: str, digits: int) -> str:
    values = [getattr(each, field) for each in figures]
    return f"{_median(figures, field):,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"
