"""aftercare appointment."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from worker.management.arguments import row_id

if TYPE_CHECKING:
    import argparse

HELP = "move, cancel, miss or complete a visit; the plan follows"
STATUS = {"cancel": "cancelled", "no-show": "no_show", "complete": "completed"}


def add(parser: argparse.ArgumentParser) -> None:
    """What happened to which visit."""
    parser.add_argument("change", choices=["move", *STATUS])
    parser.add_argument("id", type=row_id, help="the appointment's id")
    parser.add_argument("--to", type=datetime.fromisoformat, metavar="ISO", help="new time with its offset, for move")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Apply the change in one transaction."""
    from worker.management.cli import ready, show
    from worker.rules.refusal import Refusal, Refusals

    ready()
    from worker import clock
    from worker.actions.course import appointment
    from worker.models.appointment import AppointmentStatus

    if options.change == "move":
        if options.to is None or options.to.tzinfo is None:
            raise Refusals(
                [Refusal("--to", "is missing or has no offset", "for example --to 2026-03-08T10:00:00-05:00")]
            )
        result = appointment.move(appointment_id=options.id, starts_at=options.to, by="command", now=clock.now())
    else:
        status = AppointmentStatus(STATUS[options.change])
        result = appointment.end(appointment_id=options.id, status=status, by="command", now=clock.now())
    planned = [
        {"id": each.pk, "step": each.step.code, "channel": each.channel, "due_at": each.due_at.isoformat()}
        for each in result.messages
    ]
    lines = [f"appointment {options.id}: {options.change} done; {len(planned)} message(s) planned anew"]
    show({"appointment": options.id, "planned": planned}, as_json=options.json, lines=lines)
    return 0
