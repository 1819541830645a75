"""aftercare restore-check."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from worker.management.arguments import Once, moment, operator, person

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

HELP = "after a restore: find the STOPs and the texts that the backup does not know; a person releases what is held"
BY = 60
SAY_EVERY = 2.0  # seconds
LOST = (
    "Not to be recovered, look yourself: clients enrolled and visits moved in that time, with what they agreed to; "
    "contacts changed, approvals withdrawn, holds and pauses of the desk and of operators (all as in the backup); "
    "receipts of what left then."
)


def add(parser: argparse.ArgumentParser) -> None:
    """Look, declare or release."""
    parser.add_argument(
        "--declare", action="store_true", help="say that this database was put back, where no file tells"
    )
    parser.add_argument(
        "--since", type=moment, action=Once, metavar="ISO",
        help="with --declare: when the backup was made, with its zone, where a worker ran before you declared",
    )  # fmt: skip
    parser.add_argument("--release", action="store_true", help="let it go on; look first")
    parser.add_argument(
        "--unchecked", action="store_true",
        help="with --release: although not compared to the end; texts may ring twice, a STOP of that time be ignored",
    )  # fmt: skip
    parser.add_argument("--by", type=person(BY), default=operator(), help="who says so (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Compare with the provider, or release."""
    from worker.management.cli import ready, show

    ready()
    from dataclasses import asdict
    from datetime import timedelta

    from worker import clock
    from worker.actions.restore import lineage, replay
    from worker.rules.refusal import Refusal, Refusals

    if options.since is not None and not options.declare:
        raise Refusals([Refusal("since", "says nothing without --declare", "add --declare")])
    if options.release:
        many = replay.release(by=options.by, now=clock.now(), unchecked=options.unchecked)
        stays = replay.still_paused()
        lines = [f"released: {many} message(s) planned again"]
        if stays:
            lines.append(f"everything stays paused by {stays}; aftercare resume --all ends it")
        show({"planned_again": many, "still_paused": stays}, as_json=options.json, lines=lines)
        return 0
    if options.declare:
        since = options.since and options.since - timedelta(seconds=clock.offset())
        lineage.declare_restored(now=clock.now(), by=options.by, since=since)
    lineage.look(now=clock.now())  # where no worker has yet
    found = replay.replay(now=clock.now(), by=options.by, tell=_progress())
    lines = [
        f"the backup knows nothing from {found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M} UTC",
        f"incoming texts obeyed that it did not know: {found.inbound} ({found.inbound_failed} list(s) not read)",
        f"stops by link, mail, bounce, desk and erasure obeyed that it did not know: {found.stops}",
        f"   known {found.stops_known}, of clients whom the backup does not know {found.stops_of_strangers}",
        *([f"   the spool was NOT READ to the end: {found.spool_unread}"] if found.spool_unread else []),
        f"erased in that time and here again, to be erased anew: {', '.join(map(str, found.erased)) or 'nobody'}",
        f"texts of ours at the provider: {found.listed}, known here {found.known}; of what was to go {found.gone} went",
        f"withheld, for they may have gone: {found.withheld_sms} by SMS, {found.withheld_email} by email",
        f"texts to numbers with no open message here: {found.strangers}",
        LOST,
        "Everything is held. When you have looked: aftercare restore-check --release --by YOU",
    ]
    show(asdict(found) | {"lost": LOST}, as_json=options.json, lines=lines)
    return 1 if found.inbound_failed or found.spool_unread else 0


def _progress() -> Callable[[str], None]:
    """Say on the terminal how far the reading is, now and then: a day of a large house takes some minutes."""
    from worker import clock

    said = clock.running()

    def tell(line: str) -> None:
        nonlocal said
        if clock.running() - said >= SAY_EVERY:
            said = clock.running()
            print(f"{line} (Ctrl-C stops it; the next run goes on there)", file=sys.stderr, flush=True)

    return tell
