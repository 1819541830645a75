"""aftercare forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

HELP = "what is planned for the coming days, by clinic, hour and channel, with parts and cost"
WEEK = 7


def add(parser: argparse.ArgumentParser) -> None:
    """How far to look, and for whom."""
    parser.add_argument("--days", type=int, default=WEEK, metavar="N", help=f"how far to look (default {WEEK})")
    parser.add_argument("--clinic", default="", metavar="SLUG", help="default: every clinic")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print it."""
    from worker.management.cli import ready, show

    ready()
    from worker import clock
    from worker.reading.forecast import forecast

    said = forecast(now=clock.now(), days=options.days, clinic_slug=options.clinic)
    lines = [_line(row, row["hour"], said["currency"]) for row in said["hours"]] or ["nothing is planned"]
    lines += [_line(row, "in all", said["currency"]) for row in said["totals"] if row["messages"]]
    lines += [f"{slug:20} {held} held or waiting for an answer" for slug, held in said["held"].items() if held]
    show(said, as_json=options.json, lines=lines)
    return 0


def _line(row: dict[str, Any], when: str, currency: str | None) -> str:
    said = f"{row['clinic']:20} {when:22} {row['channel']:6} {row['messages']:>7} messages"
    if row["segments"]:
        said += f"  at most {row['segments']:>7} parts"
    return said + (f"  {row['cost']} {currency}" if row["cost"] else "")
