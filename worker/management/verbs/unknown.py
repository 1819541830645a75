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

    listed = unknown(now=clock.now(), ids=options.ids)
    return unsettled.settle(options, listed, narrower="settle these, or name ids, to see the rest")
