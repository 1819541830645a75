"""What the verbs `unknown` and `failed` share: a list, and two ways to settle it, with a look before the leap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.management.arguments import row_id, words

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

BY = 60


def add(parser: argparse.ArgumentParser) -> None:
    """What to do, with which, who says so, and whether to do it."""
    parser.add_argument("act", nargs="?", choices=["list", "retry", "give-up"], default="list")
    parser.add_argument(
        "ids", nargs="*", type=row_id, metavar="ID", help="these alone; without any, all that are listed"
    )
    parser.add_argument("--by", type=words(BY), default="command")
    parser.add_argument("--yes", action="store_true", help="do it; without it, what would be done is shown")
    parser.add_argument("--json", action="store_true", help="print JSON")


def settle(options: argparse.Namespace, listed: Sequence[dict[str, Any]]) -> int:
    """List; or show what would be settled; or settle it. Exit 1 when one of them was refused."""
    from worker.management.cli import show

    rows = [row for row in listed if not options.ids or row["id"] in options.ids]
    strange = sorted(set(options.ids) - {row["id"] for row in rows})
    if options.act == "list" or not options.yes:
        show(rows, as_json=options.json, lines=_lines(options.act, rows, strange))
        return 1 if strange else 0
    told = _act(options.act)([*(row["id"] for row in rows), *strange], options.by)
    lines = [
        f"{pk:>7}  {why or ('planned again' if options.act == 'retry' else 'given up')}" for pk, why in told.items()
    ]
    show(told, as_json=options.json, lines=lines or ["nothing to settle"])
    return 1 if any(told.values()) else 0


def _act(name: str) -> Any:
    from worker import clock
    from worker.actions.course.unsettled import give_up, retry

    action = retry if name == "retry" else give_up
    return lambda ids, by: action(message_ids=ids, by=by, now=clock.now())


def _lines(act: str, rows: Sequence[dict[str, Any]], strange: Sequence[int]) -> list[str]:
    lines = [_line(row) for row in rows] or ["nothing"]
    lines += [f"{pk:>7}  is not in this list" for pk in strange]
    if act != "list" and rows:
        useful = sum(row["useful"] for row in rows)
        what = (
            f"{useful} would be planned again, {len(rows) - useful} are too late"
            if act == "retry"
            else "none goes again"
        )
        lines.append(f"{len(rows)} message(s); {what}. Nothing was done: add --yes")
    return lines


def _line(row: dict[str, Any]) -> str:
    late = "" if row["useful"] else "  (too late to send)"
    next_ = f"; asked again {row['asked_again_at'][11:19]}Z" if row["asked_again_at"] else ""
    return (
        f"{row['id']:>7}  {row['clinic']}  client {row['client'] or '-'}  {row['step']} by {row['channel']}  "
        f"{row['state']}: {row['plain']}{next_}{late}"
    )
