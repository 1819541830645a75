"""aftercare pause."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from worker.management.arguments import Once, named, operator, person, reason, seconds

if TYPE_CHECKING:
    import argparse

    from worker.models.hold import PauseScope

WHY, BY = 200, 60  # what the table holds
LOOK = 0.5  # seconds between two looks at what is in flight
QUIET = 2  # looks in a row that must find nothing: a worker may have asked whether it is drained just before it was
HELP = "pause everything, a clinic, a channel, a protocol or a sender, from the next decision on"


def add(parser: argparse.ArgumentParser) -> None:
    """What, why and who; and whether to wait."""
    add_scope(parser)
    parser.add_argument("--why", type=reason(WHY), required=True, help="stays in the record; no names, please")
    add_by(parser)
    parser.add_argument(
        "--wait", type=seconds(1), metavar="SECONDS", action=Once,
        help="with --drain or --all: until no call is in flight; exit 1 when some still are after that time",
    )  # fmt: skip


def add_by(parser: argparse.ArgumentParser) -> None:
    """Who says so."""
    parser.add_argument("--by", type=person(BY), default=operator(), help="who says so (default %(default)s)")


def add_scope(parser: argparse.ArgumentParser) -> None:
    """The scopes that pause and resume share: one a call."""
    parser.add_argument("--all", action="store_true", help="everything, everywhere")
    parser.add_argument("--drain", action="store_true", help="workers finish what they hold, and claim nothing new")
    parser.add_argument(
        "--clinic", default=None, type=named, action=Once, metavar="SLUG", help="or whose protocol or sender it is"
    )
    parser.add_argument("--channel", default=None, choices=["sms", "email"], action=Once, help="of every clinic")
    parser.add_argument("--protocol", default=None, type=named, action=Once, metavar="CODE")
    parser.add_argument("--sender", default=None, type=named, action=Once, metavar="IDENTITY")


def scope(options: argparse.Namespace) -> tuple[PauseScope, str]:
    """What was named; nothing named, or two things, is refused, and never "everything"."""
    from worker.reading.scopes import scope_of

    return scope_of(
        everything=options.all,
        clinic=options.clinic or "",
        channel=options.channel or "",
        protocol=options.protocol or "",
        sender=options.sender or "",
        drain=options.drain,
    )


def run(options: argparse.Namespace) -> int:
    """Pause it; and wait, when told to."""
    from worker.management.cli import ready

    ready()
    from worker import clock
    from worker.actions.consent.hold import pause
    from worker.models.hold import PauseScope
    from worker.models.scope_names import name_of
    from worker.rules.refusal import Refusal, Refusals

    kind, value = scope(options)
    if options.wait is not None and kind not in (PauseScope.DRAIN, PauseScope.ALL):
        raise Refusals([Refusal("--wait", "would wait for the calls of others too", "use it with --drain or --all")])
    try:
        pause(scope=kind, value=value, why=options.why, by=options.by, now=clock.now())
    except Refusals:
        if options.wait is None:
            raise
        print(f"{name_of(kind, value)} is paused already: waiting")
    else:
        print(f"paused: {name_of(kind, value)}")
    return 0 if options.wait is None else _wait(options.wait)


def _wait(longest: float) -> int:
    """Until nothing is in flight, telling each change; 1 when something still is after that many seconds."""
    from worker.reading.in_flight import in_flight

    until, told, quiet = time.monotonic() + longest, 0, 0
    while True:
        many = in_flight()
        quiet = 0 if many else quiet + 1
        if quiet >= QUIET:
            print("nothing is in flight")
            return 0
        left = until - time.monotonic()
        if left <= 0 and many:
            print(
                f"{many} still in flight after {longest:g} s; the pause stands: wait again, or see `aftercare status`",
                file=sys.stderr,
            )
            return 1
        if many and many != told:
            print(f"in flight: {many}; waiting for at most {left:.0f} s", flush=True)
        told = many
        time.sleep(LOOK)
