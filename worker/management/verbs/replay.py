"""aftercare replay."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from worker.management.arguments import Once, moment, named, operator, person

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

HELP = "after an outage: what was missed or refused then; send again what is still useful, tell the clinics of the rest"
BY, FEW = 60, 10  # what the record holds; ids on a line
FATES = {
    "again": ("would be planned again", "planned again"),
    "too_late": ("is too late for ever: the clinic is told", "is too late for ever: the clinic was told"),
    "refused": ("may not go", "may not go"),
    "may_have_left": (
        "may have left, so it is never replayed: see `aftercare unknown`, `aftercare failed`",
        "may have left, so it is never replayed: see `aftercare unknown`, `aftercare failed`",
    ),
}
"""Each in the look, and done."""


def add(parser: argparse.ArgumentParser) -> None:
    """Which time, where, who says so, and whether to do it."""
    parser.add_argument(
        "--from", dest="since", type=moment, required=True, action=Once, metavar="ISO",
        help="when it began, with its zone: 2027-03-08T10:00:00-05:00",
    )  # fmt: skip
    parser.add_argument(
        "--to", dest="until", type=moment, required=True, action=Once, metavar="ISO",
        help="when it ended, the same way; half an hour more does no harm",
    )  # fmt: skip
    parser.add_argument("--clinic", type=named, action=Once, metavar="SLUG")
    parser.add_argument("--channel", choices=["sms", "email"], action=Once)
    parser.add_argument("--by", type=person(BY), default=operator(), help="who says so (default %(default)s)")
    parser.add_argument("--yes", action="store_true", help="do it; without it, what would be done is shown")
    parser.add_argument("--json", action="store_true", help="print JSON, with every message")


def run(options: argparse.Namespace) -> int:
    """Show it, or do it."""
    from worker.management.cli import ready, show

    ready()
    from worker import clock
    from worker.actions.course.outage import replay
    from worker.reading.explain import plain

    done = replay(
        since=options.since, until=options.until, clinic=options.clinic or "", channel=options.channel or "",
        by=options.by, now=clock.now(), really=options.yes,
    )  # fmt: skip
    rows = [
        {
            "id": each.row["pk"],
            "clinic": each.row["clinic__slug"],
            "client": each.row["client_id"],
            "step": each.row["step__code"],
            "channel": each.row["channel"],
            "state": each.row["state"],
            "reason": each.row["reason"],
            "due_at": each.row["due_at"].isoformat(),
            "fate": each.fate.value,
            "plain": plain(each.why),
        }
        for each in done.messages
    ]
    said = {"from": options.since.isoformat(), "to": options.until.isoformat(), "done": options.yes}
    show(
        said | {"tasks": done.tasks, "messages": rows}, as_json=options.json,
        lines=list(_lines(rows, done.tasks, done=options.yes)),
    )  # fmt: skip
    return 0


def _lines(rows: Sequence[dict[str, Any]], tasks: int, *, done: bool) -> Iterator[str]:
    """By clinic, and within it by fate, step and reason; ids alone, no name."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    order = list(FATES)
    for row in rows:
        why = row["plain"] if row["fate"] != "again" else ""
        groups[row["clinic"], str(order.index(row["fate"])), row["step"], row["channel"], why].append(row)
    clinic = ""
    for key, theirs in sorted(groups.items()):
        if key[0] != clinic:
            clinic = key[0]
            yield clinic
        _, fate, step, channel, why = key
        said = FATES[order[int(fate)]][done]
        yield f"{len(theirs):>7}  {step} by {channel}  {said}" + f" ({why})" * bool(why)
        yield f"         {_ids(theirs)}"
    if not rows:
        yield "nothing was missed or refused then"
        return
    again = sum(row["fate"] == "again" for row in rows)
    yield (
        f"{len(rows)} message(s): {again} planned again, {tasks} task(s) for staff opened"
        if done
        else f"{len(rows)} message(s): {again} would be planned again, {tasks} task(s) for staff opened. "
        "Nothing was done: add --yes"
    )


def _ids(rows: Sequence[dict[str, Any]]) -> str:
    first = ", ".join(f"message {row['id']} client {row['client']}" for row in rows[:FEW])
    return first + f", and {len(rows) - FEW} more: see --json" * (len(rows) > FEW)
