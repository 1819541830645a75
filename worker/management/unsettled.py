"""What the verbs `unknown` and `failed` share: a list, and two ways to settle it, with a look before the leap."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from worker.management.arguments import operator, person, row_id

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from worker.reading.unsettled import Listed

BY = 60
STRANGE = "is not in this list"
OVERTAKEN = "already planned again by another"
DONE = {"retry": "planned again", "give-up": "given up"}


def add(parser: argparse.ArgumentParser) -> None:
    """What to do, with which, who says so, and whether to do it."""
    parser.add_argument("act", nargs="?", choices=["list", *DONE], default="list")
    parser.add_argument(
        "ids", nargs="*", type=row_id, metavar="ID", help="these alone; without any, all that are listed"
    )
    parser.add_argument("--by", type=person(BY), default=operator(), help="who says so (default %(default)s)")
    parser.add_argument("--yes", action="store_true", help="do it; without it, what would be done is shown")
    parser.add_argument("--json", action="store_true", help="print JSON")


def settle(options: argparse.Namespace, listed: Listed, *, narrower: str) -> int:
    """List; or show what would be settled; or settle it. Exit 1 when one of them was refused.

    `narrower` says how to see what a list that was cut does not show.
    """
    from worker.management.cli import show

    rows = listed.rows
    cut = f"{len(rows):,} of {listed.total:,} shown; oldest first; {narrower}" if listed.total > len(rows) else ""
    strange = dict.fromkeys(sorted(set(options.ids) - {row["id"] for row in rows}), STRANGE)
    told = {} if options.act == "list" else _act(options)([row["id"] for row in rows]) | strange
    if options.act != "list" and options.yes:
        lines = [f"{pk:>7}  {why or DONE[options.act]}" for pk, why in told.items()] or ["nothing to settle"]
        show(told, as_json=options.json, lines=[*lines, *[cut] * bool(cut), *_summary(options.act, told, done=True)])
        return 1 if any(told.values()) else 0
    if told:
        rows = [row | {"refused": told[row["id"]]} for row in rows]
    lines = [*_lines(rows, strange), *[cut] * bool(cut), *_summary(options.act, told, done=False)]
    show(rows, as_json=options.json, lines=lines)
    if options.json and cut:
        print(cut, file=sys.stderr)
    return 1 if strange else 0


def _act(options: argparse.Namespace) -> Any:
    """The act; before `--yes` the same one, which takes itself back."""
    from worker import clock
    from worker.actions.course.unsettled import give_up, retry

    action = retry if options.act == "retry" else give_up
    return lambda ids: action(message_ids=ids, by=options.by, now=clock.now(), really=options.yes)


def _lines(rows: Sequence[dict[str, Any]], strange: Mapping[int, str]) -> Iterator[str]:
    for row in rows:
        yield _line(row)
        if row.get("refused"):
            yield f"         would be refused: {row['refused']}"
    if not rows and not strange:
        yield "nothing"
    yield from (f"{pk:>7}  {why}" for pk, why in strange.items())


def _summary(act: str, told: Mapping[int, str], *, done: bool) -> Iterator[str]:
    """How many of each fate; what another took is no refusal, and is told apart."""
    from worker.actions.course.unsettled import Overtaken

    if act == "list" or not told:
        return
    good = sum(not why for why in told.values())
    late = sum(isinstance(why, Overtaken) for why in told.values())
    counts = f"{good} {'' if done else 'would be '}{DONE[act]}" + f", {late} {OVERTAKEN}" * bool(late)
    look = "" if done else ". Nothing was done: add --yes"
    yield f"{len(told)} message(s): {counts}, {len(told) - good - late} refused{look}"


def _line(row: dict[str, Any]) -> str:
    late = "" if row["useful"] else "  (too late to send)"
    next_ = f"; asked again {row['asked_again_at'][11:19]}Z" if row["asked_again_at"] else ""
    return (
        f"{row['id']:>7}  {row['clinic']}  client {row['client'] or '-'}  {row['step']} by {row['channel']}  "
        f"{row['state']}: {row['plain']}{next_}{late}"
    )
