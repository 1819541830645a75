"""aftercare failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management import unsettled
from worker.management.arguments import Once, named, whole

if TYPE_CHECKING:
    import argparse

HELP = "messages that were refused, came back or stayed unresolved; retry them through every gate, or give them up"


def add(parser: argparse.ArgumentParser) -> None:
    """List, retry or give up; and which."""
    unsettled.add(parser)
    parser.add_argument("--days", type=whole("days", 1, 90), default=7, metavar="N", help="how far back (default 7)")
    parser.add_argument(
        "--reason", type=named, action=Once, metavar="REASON", help="as listed with --json, for example code:21211"
    )
    parser.add_argument("--clinic", type=named, action=Once, metavar="SLUG")


def run(options: argparse.Namespace) -> int:
    """Do it."""
    from worker.management.cli import ready

    ready()
    from worker import clock
    from worker.reading.unsettled import failed

    listed = failed(
        now=clock.now(), days=options.days, reason=options.reason or "", clinic=options.clinic or "", ids=options.ids
    )
    return unsettled.settle(options, listed, narrower="--clinic, --reason narrow it, or name ids")
