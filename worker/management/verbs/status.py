"""aftercare status."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from worker.management.arguments import seconds

if TYPE_CHECKING:
    import argparse

HELP = "queues, workers, oldest due, lateness, unknown outcomes, paused, how the day goes, and what needs a person"
SOONEST = 0.5  # seconds: below it the database would be asked without a break
CLEAR = "\x1b[H\x1b[2J\x1b[3J"  # ECMA-48: home, and erase what stands there


def add(parser: argparse.ArgumentParser) -> None:
    """How to print it."""
    parser.add_argument("--json", action="store_true", help="print JSON; with --watch a line each time")
    parser.add_argument(
        "--check", action="store_true", help="exit 1 when something needs a person at once, for monitors"
    )
    parser.add_argument(
        "--watch", nargs="?", type=seconds(SOONEST), const=2.0, metavar="SECONDS",
        help=f"again and again, every 2 s if not told, {SOONEST} s at least",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Print it once, or until Ctrl-C."""
    from worker.management.cli import ready

    ready()
    if options.watch is None:
        said = _once(as_json=options.json)
        return int(options.check and any(each["severity"] == "page" for each in said["alarms"]))
    while True:
        _again(as_json=options.json)
        time.sleep(options.watch)


def _said() -> dict[str, Any]:
    """Everything, within seconds or not at all: a frozen database must not leave the last picture standing."""
    from worker import clock
    from worker.reading.house import house
    from worker.reading.promptly import promptly

    with promptly():
        return house(now=clock.now(), machine=clock.machine())


def _once(*, as_json: bool) -> dict[str, Any]:
    from django.db import Error

    from worker.management.cli import show, unreachable
    from worker.management.glance import lines

    try:
        said = _said()
    except Error as error:
        raise unreachable(error) from None
    show(said, as_json=as_json, lines=[*lines(said), *_alarms(said)])
    return said


def _alarms(said: dict[str, Any]) -> list[str]:
    return [f"{each['severity'].upper():6}  {each['says']}\n        {each['mend']}" for each in said["alarms"]]


def _again(*, as_json: bool) -> None:
    """One picture over the last; a database that is away is said, and asked again."""
    import json

    from django.db import Error, connection

    from worker.management.glance import lines

    try:
        said = _said()
    except Error as error:
        connection.close()
        text = f"the database does not answer ({type(error).__name__})"
        text = json.dumps({"error": text}) if as_json else text
    else:
        text = (
            json.dumps(said, default=str)
            if as_json
            else "\n".join([f" {said['now'][:19]} UTC", *lines(said), *_alarms(said)])
        )
    sys.stdout.write(f"{'' if as_json else CLEAR * sys.stdout.isatty()}{text}\n")
    sys.stdout.flush()
