"""aftercare treatment."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from worker.management.arguments import person, row_id, words
from worker.rules.taken_back import PLAIN, VoidReason

if TYPE_CHECKING:
    import argparse

    from worker.actions.course.foresee import Foreseen, Turn
    from worker.actions.course.plan import Result

HELP = "record another session, correct one, or take one back; the aftercare follows"


def add(parser: argparse.ArgumentParser) -> None:
    """One act a sub-verb."""
    acts = parser.add_subparsers(dest="act", metavar="add|correct|void|stand", required=True)
    more = acts.add_parser("add", help="another session was done")
    more.add_argument("id", type=row_id, metavar="CLIENT", help="the client's id")
    more.add_argument("--protocol", required=True, metavar="CODE")
    more.add_argument("--external-id", required=True, type=words(120), help="the session's id in your own system")
    more.add_argument("--practitioner", default="", metavar="EMAIL")
    more.add_argument("--appointment", type=row_id, metavar="ID", help="the visit that this was")
    correct = acts.add_parser("correct", help="it was done at another time")
    void = acts.add_parser("void", help="it was never done, or was another client's")
    stand = acts.add_parser("stand", help="one that was taken back was done after all")
    for each in (correct, void, stand):
        each.add_argument("id", type=row_id, metavar="ID", help="the treatment's id")
        how = each.add_mutually_exclusive_group(required=True)
        how.add_argument("--by", type=person(), metavar="EMAIL", help="one of the desk, a practitioner or an owner")
        how.add_argument("--preview", action="store_true", help="say what would change; change nothing")
    for each in (more, correct):
        each.add_argument("--at", required=True, type=datetime.fromisoformat, metavar="ISO", help="with its offset")
    void.add_argument(
        "--why",
        choices=[why.value for why in VoidReason],
        help="; ".join(f"{why}: {said}" for why, said in PLAIN.items()),
    )
    for each in (more, correct, void, stand):
        each.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Apply it in one transaction, or say what that would do."""
    from worker.management.cli import ready, show

    ready()
    if options.act != "add" and options.preview:
        seen = _foreseen(options)
        show(_told(options.id, seen), as_json=options.json, lines=_lines(options, seen))
        return 0
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
    from worker.actions.course import put_right, treatment
    from worker.rules.refusal import Refusal, Refusals

    now = clock.now()
    if options.act == "add":
        done = treatment.Done(
            client_id=options.id, protocol=options.protocol, external_id=options.external_id, performed_at=options.at,
            practitioner=options.practitioner, appointment_id=options.appointment,
        )  # fmt: skip
        made, result = treatment.add(done=done, by="command", now=now)
        return made.pk, result
    one: dict[str, Any] = {"treatment_id": options.id, "by": options.by, "now": now}
    if options.act == "correct":
        return options.id, put_right.correct(performed_at=options.at, **one)
    if options.act == "stand":
        return options.id, put_right.stand_again(**one)
    if options.why is None:
        raise Refusals([Refusal("--why", "is missing", f"say why: {', '.join(VoidReason)}")])
    return options.id, put_right.void(why=VoidReason(options.why), **one)


def _foreseen(options: argparse.Namespace) -> Foreseen:
    from worker import clock
    from worker.actions.course import foresee

    now = clock.now()
    if options.act == "correct":
        return foresee.correction(treatment_id=options.id, performed_at=options.at, now=now)
    look = foresee.voiding if options.act == "void" else foresee.standing_again
    return look(treatment_id=options.id, now=now)


def _told(treatment_id: int, seen: Foreseen) -> dict[str, Any]:
    return {
        "treatment": treatment_id,
        "changes": [
            {"change": _change(each), "step": each.step, "channel": each.channel,
             "before": each.before and each.before.isoformat(), "after": each.after and each.after.isoformat()}
            for each in seen.turns
        ],
        "left": [each._asdict() | {"at": each.at.isoformat()} for each in seen.left],
        "hand_over": [{"step": step, "channel": channel} for step, channel in seen.hand_over],
    }  # fmt: skip


def _lines(options: argparse.Namespace, seen: Foreseen) -> list[str]:
    lines = [f"treatment {options.id}: {options.act} would change {len(seen.turns)} message(s); nothing is changed"]
    for each in seen.turns:
        hours = " to ".join(at.isoformat() for at in (each.before, each.after) if at is not None)
        lines.append(f"  {_change(each)}: {each.step} ({each.channel}) {hours}")
    for gone in seen.left:
        word = "left, and would be untrue: call her" if gone.untrue else "left, and stays true"
        lines.append(f"  {word}: {gone.step} ({gone.channel}) {gone.at.isoformat()}")
    lines += [f"  hand this over: {step} (by {channel} it is too late)" for step, channel in seen.hand_over]
    return lines


def _change(turn: Turn) -> str:
    if turn.before is None:
        return "planned"
    return "ends" if turn.after is None else "moves"
