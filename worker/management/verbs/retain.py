"""aftercare retain."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

HELP = "empty texts, replies and raw receipts whose time is over (beat does it daily); never a stop or a consent"


def add(parser: argparse.ArgumentParser) -> None:
    """How old, and whether to only count."""
    parser.add_argument("--bodies-days", type=int, default=90, metavar="N", help="older than this (default 90)")
    parser.add_argument("--dry-run", action="store_true", help="count, and change nothing")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Empty them, and print how many."""
    from worker.management.cli import ready, show

    ready()
    from worker import clock
    from worker.actions.privacy.retain import retain

    counts = retain(bodies_days=options.bodies_days, dry_run=options.dry_run, now=clock.now())
    verb = "would be emptied" if options.dry_run else "emptied"
    lines = [f"{name}: {count} {verb}" for name, count in counts.items()]
    show({"dry_run": options.dry_run, "counts": counts}, as_json=options.json, lines=lines)
    return 0
