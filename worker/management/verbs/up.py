"""aftercare up."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from worker.sandbox.house import House
    from worker.sandbox.parts import Event, Supervisor

HELP = "start every part on embedded defaults: Redis, SQLite, worker, beat, web, and the sandbox outside"


def add(parser: argparse.ArgumentParser) -> None:
    """Where, and whether with people in it."""
    parser.add_argument(
        "--port",
        type=int,
        default=8000,
        help="web port, default 8000; the next three are the sandbox's, the fourth serves the worker's metrics",
    )
    parser.add_argument(
        "--demo", action="store_true", help="with a clinic, three clients, and weeks that pass in minutes"
    )


def run(options: argparse.Namespace) -> int:
    """Run until Ctrl-C; 0 when it ended cleanly."""
    from worker.sandbox.house import House, Plan
    from worker.sandbox.lockfile import CannotStartError, HomeLock
    from worker.sandbox.parts import Supervisor

    home = Path(os.environ.get("AFTERCARE_HOME", "var")).absolute()
    try:
        plan = Plan(home=home, port=options.port, stepped=options.demo, metrics=True)
        with HomeLock(home, address=plan.web_url, calendar=plan.calendar if plan.stepped else None):
            house = House(plan)
            print("preparing the database ...", flush=True)
            house.migrate()
            supervisor = Supervisor(house.parts, log_dir=home / "log", on_event=_tell)
            threading.Thread(target=_welcome, args=(supervisor, house, options.demo), daemon=True).start()
            code = supervisor.run()
            if supervisor.failure:
                print(supervisor.failure, file=sys.stderr)
            print("everything has stopped", flush=True)
            return code
    except CannotStartError as refused:
        print(refused, file=sys.stderr)
        return 1


def _tell(event: Event) -> None:
    from worker.sandbox.parts import Happening

    marks = {Happening.READY: "ready", Happening.DIED: "died, starting it again", Happening.GAVE_UP: "given up"}
    if event.happening in marks:
        print(f"  {event.part:9} {marks[event.happening]}", flush=True)


def _welcome(supervisor: Supervisor, house: House, demo: bool) -> None:
    """Once all parts are ready: say where to look, and play the demo when asked."""
    from worker.sandbox.welcome import welcome

    welcome(supervisor, house, demo=demo)
