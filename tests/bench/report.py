"""What was measured, as a table for people and as a file for machines; and whether it is good enough."""

from __future__ import annotations

import json
import os
import platform
import statistics
from typing import TYPE_CHECKING, Any

from tests.bench.planning import LEAST_ROWS, LEAST_RULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.bench.planning import PlanFigures
    from tests.bench.raw import RawFigures
    from tests.bench.runs import Figures
    from tests.bench.stops import StopFigures

LEAST_RATIO = 20.0  # times the naive baseline, in messages a second
MOST_P99_MS = {"postgresql": 50.0, "sqlite": 500.0}  # of a STOP webhook, 200 a second, while a worker sends
LEAST_READ = 20_000  # texts a second
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


def hearing(stops: Sequence[StopFigures], read: float) -> dict[str, Any]:
    """How fast a STOP is obeyed, by database, and how many texts are read in a second."""
    return {
        "stop_webhook": {each.name: each.plain() | {"most_p99_ms": MOST_P99_MS[each.database]} for each in stops},
        "texts_read_per_second": round(read),
        "least_texts_read_per_second": LEAST_READ,
    }


def hearing_table(stops: Sequence[StopFigures], read: float) -> str:
    """The same as lines of text."""
    lines = [
        f"STOP webhook, {each.rate:g}/s, {each.name:24} p50 {each.p50_ms:6.1f}  p99 {each.p99_ms:6.1f}  "
        f"max {each.max_ms:6.1f} ms  (p99 at most {MOST_P99_MS[each.database]:g}); {each.refused} refused\n"
        f"    CPU: web {each.cpu_ms_web:.1f} and database {each.cpu_ms_database:.1f} ms a call, worker "
        f"{each.worker_cores:.2f}, caller {each.caller_cpu_share:.2f}, foreign {each.foreign_cores:.2f} cores; "
        f"{each.sent_a_second:,.0f} texts/s sent meanwhile; all followed up {each.followed_up_s:.1f} s after the last"
        for each in stops
    ]
    return "\n".join(["", *lines, f"texts read a second {read:>7,.0f}  (at least {LEAST_READ:,})"])


def planning(figures: PlanFigures | None) -> dict[str, Any]:
    """How many clients' plans are worked out, and how many written, in a second."""
    return {"planning": figures.plain()} if figures else {}


def planning_table(figures: PlanFigures | None) -> str:
    """The same as lines of text."""
    if figures is None:
        return ""
    return (
        f"\nplans worked out a second, one core {figures.rules_per_second:>7,.0f}  (at least {LEAST_RULES:,})"
        f"\nplans into PostgreSQL a second      {figures.rows_per_second:>7,.0f}  (at least {LEAST_ROWS:,}); "
        f"{figures.messages:.0f} messages each"
    )


def good_enough(result: Mapping[str, Any]) -> bool:
    """True when every required figure that was measured is met."""
    sending = "ratio_to_naive" not in result or (
        result["ratio_to_naive"] >= LEAST_RATIO and result["cpu_ms_per_message"] <= MOST_CPU_MS
    )
    stopping = all(
        each["p99_ms"] <= each["most_p99_ms"] and not each["refused"] for each in result["stop_webhook"].values()
    )
    plans = result.get("planning")
    planned = not plans or (
        plans["plans_in_rules_per_second"] >= LEAST_RULES and plans["plans_into_postgresql_per_second"] >= LEAST_ROWS
    )
    return bool(sending and stopping and planned and result["texts_read_per_second"] >= LEAST_READ)


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
