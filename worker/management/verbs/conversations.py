"""aftercare conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management.arguments import person, row_id

if TYPE_CHECKING:
    import argparse

    from worker.models import Clinic
    from worker.reading.inbox import Waiting

HELP = "what clients wrote and wait for: list it; note an answer, close it so that the course goes on, or open it again"


def add(parser: argparse.ArgumentParser) -> None:
    """List, answered, close or reopen."""
    parser.add_argument("--clinic", default="", metavar="SLUG", help="needed with several clinics, to change something")
    parser.add_argument("--json", action="store_true", help="print JSON")
    act = parser.add_subparsers(dest="act", metavar="answered|close|reopen")
    answered = act.add_parser("answered", help="note that somebody spoke with her; the clock of a warning sign stops")
    answered.add_argument("--how", choices=("called", "seen"), default="called", help="called her, or looked into it")
    close = act.add_parser("close", help="end it: what waited for it goes on, each message through every gate anew")
    close.add_argument(
        "--no-stop", action="store_true", help="you read her words, and they don't ask to stop; ends the hold they made"
    )
    for each in (answered, close, act.add_parser("reopen", help="take a closing back")):
        each.add_argument("id", type=row_id, metavar="ID")
        each.add_argument("--by", type=person(), required=True, metavar="EMAIL", help="one of the clinic's staff")


def run(options: argparse.Namespace) -> int:
    """Print the open ones, the most pressing first; or do one thing with one of them."""
    from dataclasses import asdict

    from worker.management.cli import ready, show

    ready()
    from worker import clock
    from worker.actions.clients import find
    from worker.models import Clinic
    from worker.reading.inbox import inbox

    if options.act:
        clinic = find.clinic(options.clinic) if options.clinic else find.only_clinic()
        print(f"conversation {options.id} {_done(options, clinic)}")
        return 0
    clinics = [find.clinic(options.clinic)] if options.clinic else Clinic.objects.order_by("pk")
    rows = [each for clinic in clinics for each in inbox(clinic, now=clock.now())]
    lines = [_line(each) for each in rows] or ["nobody waits for an answer"]
    show([_named(asdict(each)) for each in rows], as_json=options.json, lines=lines)
    return 0


def _done(options: argparse.Namespace, clinic: Clinic) -> str:
    from worker import clock
    from worker.actions.converse import end, thread

    now = clock.now()
    if options.act == "close":
        going = end.close(
            clinic=clinic, conversation_id=options.id, by=options.by, now=now, no_stop=options.no_stop
        )  # fmt: skip
        return f"is closed; {going} message(s) go on, each through every gate anew"
    if options.act == "reopen":
        end.reopen(clinic=clinic, conversation_id=options.id, by=options.by, now=now)
        return "is open again"
    how = thread.Answer(options.how)
    thread.note_answer(clinic=clinic, conversation_id=options.id, how=how, by=options.by, now=now)
    return "is answered"


def _line(each: Waiting) -> str:
    late = f"  {'LATE' if each.late else 'answer'} by {each.answer_by:%Y-%m-%dT%H:%M}Z" if each.answer_by else ""
    lead = f"  {each.lead}" if each.lead else ""
    return (
        f"{each.pk:>6}  client {each.client or '-':>5}  {each.kind}{late}  since {each.heard_at:%Y-%m-%dT%H:%M}Z{lead}"
    )


def _named(row: dict[str, object]) -> dict[str, object]:
    """Ids only: whoever watches a terminal need not read whom it is about, or what she wrote (P9)."""
    return {key: value for key, value in row.items() if key not in ("name", "words")}
