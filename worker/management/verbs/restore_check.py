"""aftercare restore-check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management.arguments import person

if TYPE_CHECKING:
    import argparse

HELP = "after a restore: find the STOPs and the texts that the backup does not know; a person releases what is held"
BY = 60
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
    parser.add_argument("--release", action="store_true", help="let it go on; look first")
    parser.add_argument(
        "--unchecked", action="store_true",
        help="with --release: although not compared to the end; texts may ring twice, a STOP of that time be ignored",
    )  # fmt: skip
    parser.add_argument("--by", type=person(BY), default="command")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Compare with the provider, or release."""
    from worker.management.cli import ready, show

    ready()
    from dataclasses import asdict

    from worker import clock
    from worker.actions.restore import lineage, replay

    if options.release:
        many = replay.release(by=options.by, now=clock.now(), unchecked=options.unchecked)
        stays = replay.still_paused()
        lines = [f"released: {many} message(s) planned again"]
        if stays:
            lines.append(f"everything stays paused by {stays}; aftercare resume --all ends it")
        show({"planned_again": many, "still_paused": stays}, as_json=options.json, lines=lines)
        return 0
    if options.declare:
        lineage.declare_restored(now=clock.now())
    found = replay.replay(now=clock.now())
    lines = [
        f"the backup knows nothing from {found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M} UTC",
        f"incoming texts obeyed that it did not know: {found.inbound} ({found.inbound_failed} list(s) not read)",
        f"stops by link, mail, bounce, desk and erasure obeyed that it did not know: {found.stops}",
        f"   known {found.stops_known}, of clients whom the backup does not know {found.stops_of_strangers}",
        f"erased in that time and here again, to be erased anew: {', '.join(map(str, found.erased)) or 'nobody'}",
        f"texts of ours at the provider: {found.listed}, known here {found.known}; of the planned {found.gone} went",
        f"withheld, for they may have gone: {found.withheld_sms} by SMS, {found.withheld_email} by email",
        f"texts to numbers with no open message here: {found.strangers}",
        LOST,
        "Everything is held. When you have looked: aftercare restore-check --release --by YOU",
    ]
    show(asdict(found) | {"lost": LOST}, as_json=options.json, lines=lines)
    return 1 if found.inbound_failed else 0
