"""aftercare resume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management.arguments import reason
from worker.management.verbs.pause import WHY, add_by, add_scope, scope

if TYPE_CHECKING:
    import argparse

HELP = "end a pause; what it held passes every gate anew"


def add(parser: argparse.ArgumentParser) -> None:
    """What, who, and why."""
    add_scope(parser)
    parser.add_argument("--why", type=reason(WHY), default=None, help="stays beside the pause; no names, please")
    add_by(parser)


def run(options: argparse.Namespace) -> int:
    """Resume it."""
    from worker.management.cli import ready

    ready()
    from worker import clock
    from worker.actions.consent.hold import resume
    from worker.models.scope_names import name_of

    kind, value = scope(options)
    count = resume(scope=kind, value=value, why=options.why or "", by=options.by, now=clock.now())
    print(f"resumed: {name_of(kind, value)}; {count} message(s) planned again")
    return 0
