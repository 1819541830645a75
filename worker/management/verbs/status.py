"""aftercare status."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

HELP = "queues, oldest due, lateness, unknown outcomes, paused, by channel"


def add(parser: argparse.ArgumentParser) -> None:
    """How to print it."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print it once."""
    from worker.management.cli import ready, show

    ready()
    from worker import clock
    from worker.reading.status import status

    said = status(now=clock.now())
    lines = [
        f"{name:6} due now {each['due_now']:>6}   oldest {each['oldest_due_seconds']:>7.0f} s   "
        f"next {each['next_due_at'] or '-'}"
        for name, each in said["channels"].items()
    ]
    lines.append(
        f"in flight {said['in_flight']}   unknown {said['unknown']}   held {said['held']}   "
        f"tasks open {said['tasks_open']}   late {said['tasks_overdue']}"
    )
    copies, lists = said["copies"], said["inbound_lists"]
    if said["drift"] or any(copies.values()):
        lines.append(
            f"ledger drift {said['drift']}   copies at the provider: {copies['pending']} to delete, "
            f"{copies['failed']} given up"
        )
    lines += [
        f"list of incoming texts {each['name']}: {each['behind_seconds']:.0f} s behind, "
        f"failed {each['failures']} times ({each['code']})"
        for each in lists
        if each["failures"]
    ]
    lines += [
        f"calendar {each['source']} of {each['clinic']}: silent for {each['silent_seconds'] / 3600:.0f} h"
        + (", reminders are held" if each["holds"] else "")
        for each in said["feeds"]
        if each["alarms"]
    ]
    lines += [f"paused: {each['scope']} {each['value']} by {each['by']}: {each['why']}" for each in said["paused"]]
    show(said, as_json=options.json, lines=lines)
    return 0
