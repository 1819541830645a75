"""aftercare resume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management.arguments import words
from worker.management.verbs.pause import BY, add_scope, scope

if TYPE_CHECKING:
    import argparse

HELP = "end a pause; what it held passes every gate anew"


def add(parser: argparse.ArgumentParser) -> None:
    """What, and who."""
    add_scope(parser)
    parser.add_argument("--by", type=words(BY), default="command")


def run(options: argparse.Namespace) -> int:
    """Resume it."""
    from worker.management.cli import ready

    ready()
    from worker import clock
    from worker.actions.consent.hold import resume
    from worker.models.hold import PauseScope

    kind, value = scope(options)
    count = resume(scope=PauseScope(kind), value=value, by=options.by, now=clock.now())
    print(f"resumed: {kind} {value}".rstrip() + f"; {count} message(s) planned again")
    return 0
