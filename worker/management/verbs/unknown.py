"""aftercare unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management import unsettled

if TYPE_CHECKING:
    import argparse

HELP = "outcomes that nobody knows: what is found out about each; retry or give up what only a person can settle"


def add(parser: argparse.ArgumentParser) -> None:
    """List, retry or give up."""
    unsettled.add(parser)


def run(options: argparse.Namespace) -> int:
    """Do it."""
    from worker.management.cli import ready

    ready()
    from worker import clock
    from worker.reading.unsettled import unknown

    return unsettled.settle(options, unknown(now=clock.now()))
