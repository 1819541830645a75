"""What a soak found: a table for people, JSON for machines."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.soak.run import Outcome

SHOWN = 8  # faults in words


def plain(outcome: Outcome, evidence: Path | None) -> dict[str, Any]:
    """Everything, as JSON takes it."""
    score, verdict = outcome.score, outcome.verdict
    return {
        "seed": score.seed,
        "database": "postgresql" if score.postgres else "sqlite",
        "seconds": round(outcome.seconds, 1),
        "storm_seconds": score.seconds,
        "slack_seconds": score.slack,
        "mutation": score.mutation or None,
        "clean": outcome.clean,
        "broke": outcome.broke or None,
        "counts": verdict.counts(),
        "by_class": {
            cls: sum(1 for _, whose, _ in verdict.faults if whose == cls)
            for cls in ("course", "answer", "staff", "none")
        },
        "faults_found": [f"{count}: {why}" for count, _, why in verdict.faults[:200]],
        "clients": outcome.clients,
        "messages_sent": sum(verdict.sent.values()),
        "sent_by_class": dict(verdict.sent),
        "ended": dict(verdict.ended.most_common()),
        "kills": outcome.kills,
        "faults_injected": dict(sorted(outcome.struck.items())),
        "faults_that_failed": outcome.not_struck,
        "parts_restarted": outcome.deaths,
        "acts": outcome.acts,
        "calendar_steps": outcome.steps,
        "calendar_leaps": outcome.leaps,
        "late_seconds": {cls: percentiles(each) for cls, each in verdict.late.items()},
        "missed_had_seconds": {cls: percentiles(each) for cls, each in verdict.chance.items()},
        "restore": outcome.restore and outcome.restore | {"unrecovered": verdict.unrecovered},
        "evidence": str(evidence) if evidence else None,
    }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Of seconds between the moment at which something was due and its arrival, both by the machine's clock."""
    ordered = sorted(values)
    at = {name: ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
          for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))}  # fmt: skip
    return {name: round(value, 2) for name, value in {**at, "max": ordered[-1]}.items()}


def write(results: Sequence[dict[str, Any]], file: Path) -> None:
    """Write what was found."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(list(results), indent=1) + "\n", encoding="utf-8")


def table(said: dict[str, Any]) -> str:
    """For people."""
    rows = [
        (f"seed {said['seed']} on {said['database']}: {said['seconds']:.0f} s, {said['clients']} clients, "
        f"{said['messages_sent']} messages sent, {said['kills']} processes killed"),
        "faults      " + ", ".join(f"{kind} {count}" for kind, count in said["faults_injected"].items())
        + f", calendar leap {said['calendar_leaps']}",
        "people      " + ", ".join(f"{kind} {count}" for kind, count in sorted(said["acts"].items())),
        "ended       " + ", ".join(f"{state} {count}" for state, count in said["ended"].items()),
    ]  # fmt: skip
    if said["restore"]:
        told = said["restore"]
        held = told["withheld_sms"] + told["withheld_email"]
        rows.append(f"restored    {told['seconds']:.0f} s lost: {told['gone']} texts found at the provider, "
                    f"{held} withheld, {told['stops']} stops out of the spool, "
                    f"{told['unrecovered']} that left then and nothing tells of")  # fmt: skip
    for cls, late in said["late_seconds"].items():
        told = ", ".join(f"{name} {value:.1f} s" for name, value in late.items())
        rows.append(f"late        {cls} ({said['sent_by_class'][cls]}): {told}")
    for cls, had in said["missed_had_seconds"].items():
        told = ", ".join(f"{name} {value:.1f} s" for name, value in had.items())
        rows.append(f"missed      {cls} had: {told}")
    rows.append("counts      " + ", ".join(f"{name} {count}" for name, count in said["counts"].items()))
    rows += [f"  {each}" for each in said["faults_found"][:SHOWN]]
    rows += [f"NOT STRUCK  {each}" for each in said["faults_that_failed"]]
    if said["broke"]:
        rows.append(f"BROKE       {said['broke']}")
    return "\n".join(rows)


def replay(outcome: Outcome, evidence: Path) -> str:
    """How to see it again."""
    score = outcome.score
    kind = "postgres" if score.postgres else "sqlite"
    return (
        f"soak: the evidence is in {evidence} (log/, outside/log.jsonl, register.json, the database)\n"
        f"soak: again: .venv/bin/python -m tests.soak --seed {score.seed} --seconds {score.seconds:g} "
        f"--wave {score.wave} --database {kind}" + " --restore" * score.restore
    )
