"""aftercare treatment."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from worker.management.arguments import row_id, words

if TYPE_CHECKING:
    import argparse

    from worker.actions.course.plan import Result

HELP = "record another session, correct one, or take one back; the aftercare follows"


def add(parser: argparse.ArgumentParser) -> None:
    """One act a sub-verb."""
    acts = parser.add_subparsers(dest="act", metavar="add|correct|void", required=True)
    more = acts.add_parser("add", help="another session was done")
    more.add_argument("id", type=row_id, metavar="CLIENT", help="the client's id")
    more.add_argument("--protocol", required=True, metavar="CODE")
    more.add_argument("--external-id", required=True, type=words(120), help="the session's id in your own system")
    more.add_argument("--practitioner", default="", metavar="EMAIL")
    more.add_argument("--appointment", type=row_id, metavar="ID", help="the visit that this was")
    correct = acts.add_parser("correct", help="it was done at another time")
    void = acts.add_parser("void", help="it was never done, or was another client's")
    for each in (correct, void):
        each.add_argument("id", type=row_id, metavar="ID", help="the treatment's id")
    for each in (more, correct):
        each.add_argument("--at", required=True, type=datetime.fromisoformat, metavar="ISO", help="with its offset")
    for each in (more, correct, void):
        each.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Apply it in one transaction."""
    from worker.management.cli import ready, show

    ready()
    treatment_id, result = _changed(options)
    planned = [
        {"id": each.pk, "step": each.step.code, "channel": each.channel, "due_at": each.due_at.isoformat()}
        for each in result.messages
    ]
    hand_over = [{"step": each.rule.code, "channel": each.channel} for each in result.hand_over]
    lines = [f"treatment {treatment_id}: {options.act} done; {len(planned)} message(s) planned anew"]
    lines += [f"  hand this over now: {each['step']} (by {each['channel']} it is too late)" for each in hand_over]
    show({"treatment": treatment_id, "planned": planned, "hand_over": hand_over}, as_json=options.json, lines=lines)
    return 0


def _changed(options: argparse.Namespace) -> tuple[int, Result]:
    from worker import clock
    from worker.actions.course import treatment

    now = clock.now()
    if options.act == "add":
        done = treatment.Done(
            client_id=options.id, protocol=options.protocol, external_id=options.external_id, performed_at=options.at,
            practitioner=options.practitioner, appointment_id=options.appointment,
        )  # fmt: skip
        made, result = treatment.add(done=done, by="command", now=now)
        return made.pk, result
    if options.act == "correct":
        performed_at = options.at
        return options.id, treatment.correct(treatment_id=options.id, performed_at=performed_at, by="command", now=now)
    return options.id, treatment.void(treatment_id=options.id, by="command", now=now)
