"""aftercare release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management.arguments import person, row_id, words
from worker.rules.release import PLAIN, ReleaseReason

if TYPE_CHECKING:
    import argparse

    from worker.actions.consent.release import Released

HELP = "end the hold on an address once a person has looked; what it held passes every gate anew"
LONGEST = 320  # characters of the longest address


def add(parser: argparse.ArgumentParser) -> None:
    """Whose, who says so and why."""
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("address", nargs="?", type=words(LONGEST), metavar="ADDRESS", help="a phone or a mailbox")
    whose.add_argument("--client", type=row_id, metavar="ID")
    parser.add_argument("--clinic", default="", metavar="SLUG", help="when there are several clinics")
    parser.add_argument("--by", type=person(), required=True, metavar="EMAIL", help="one of the clinic's staff")
    parser.add_argument(
        "--reason",
        required=True,
        choices=[reason.value for reason in ReleaseReason],
        help="; ".join(f"{reason}: {plain}" for reason, plain in PLAIN.items()),
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Release it, and say what happens next."""
    from dataclasses import asdict

    from worker.management.cli import ready, show

    ready()
    done = _released(options)
    lines = [f"released: {done.addresses} address(es); {done.messages} message(s) pass every gate anew, one at a time"]
    if done.stopped:
        lines.append(f"{done.stopped} of them said stop: nothing but an answer goes there")
    show(asdict(done), as_json=options.json, lines=lines)
    return 0


def _released(options: argparse.Namespace) -> Released:
    from worker import clock
    from worker.actions.clients import find
    from worker.actions.consent.release import release_address, release_client

    reason = ReleaseReason(options.reason)
    if options.client is not None:
        return release_client(client_id=options.client, by=options.by, reason=reason, now=clock.now())
    clinic = find.clinic(options.clinic) if options.clinic else find.only_clinic()
    return release_address(clinic=clinic, address=options.address, by=options.by, reason=reason, now=clock.now())
