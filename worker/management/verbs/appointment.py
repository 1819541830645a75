"""aftercare appointment."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from worker.management.arguments import row_id, words

if TYPE_CHECKING:
    import argparse

    from worker.actions.course.plan import Result

HELP = "book, move, cancel, miss, complete or reopen a visit; the plan follows"
STATUS = {"cancel": "cancelled", "no-show": "no_show", "complete": "completed"}


def add(parser: argparse.ArgumentParser) -> None:
    """What happened to which visit."""
    parser.add_argument("change", choices=["book", "move", *STATUS, "reopen"])
    parser.add_argument("id", type=row_id, help="the appointment's id; to book, the client's")
    parser.add_argument(
        "--to", type=datetime.fromisoformat, metavar="ISO", help="time with its offset, to book or move"
    )
    parser.add_argument("--protocol", default="", metavar="CODE", help="to book for a client of several protocols")
    parser.add_argument("--external-id", type=words(120), default="", help="to book: the visit's id in your calendar")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Apply the change in one transaction."""
    from worker.management.cli import ready, show
    from worker.rules.refusal import Refusal, Refusals

    ready()
    if options.change in ("book", "move") and (options.to is None or options.to.tzinfo is None):
        raise Refusals([Refusal("--to", "is missing or has no offset", "for example --to 2026-03-08T10:00:00-05:00")])
    appointment_id, result = _changed(options)
    planned = [
        {"id": each.pk, "step": each.step.code, "channel": each.channel, "due_at": each.due_at.isoformat()}
        for each in result.messages
    ]
    lines = [f"appointment {appointment_id}: {options.change} done; {len(planned)} message(s) planned anew"]
    show({"appointment": appointment_id, "planned": planned}, as_json=options.json, lines=lines)
    return 0


def _changed(options: argparse.Namespace) -> tuple[int, Result]:
    from worker import clock
    from worker.actions.course import appointment
    from worker.models.appointment import AppointmentStatus

    now = clock.now()
    if options.change == "book":
        visit, result = appointment.book(
            client_id=options.id, starts_at=options.to, protocol=options.protocol, external_id=options.external_id,
            by="command", now=now,
        )  # fmt: skip
        return visit.pk, result
    if options.change == "move":
        return options.id, appointment.move(appointment_id=options.id, starts_at=options.to, by="command", now=now)
    if options.change == "reopen":
        return options.id, appointment.reopen(appointment_id=options.id, by="command", now=now)
    status = AppointmentStatus(STATUS[options.change])
    return options.id, appointment.end(appointment_id=options.id, status=status, by="command", now=now)
