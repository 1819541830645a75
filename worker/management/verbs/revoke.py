"""aftercare revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management.arguments import moment, row_id, words

if TYPE_CHECKING:
    import argparse

HELP = "record a revocation that came by any other way: desk, voice mail, letter"


def add(parser: argparse.ArgumentParser) -> None:
    """Whose, how and when."""
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--phone")
    whose.add_argument("--email")
    whose.add_argument("--client", type=row_id, metavar="ID")
    parser.add_argument("--clinic", default="", metavar="SLUG", help="when there are several clinics")
    parser.add_argument(
        "--reason", type=words(), required=True, help="how it was said, for example: voice mail of 3 May"
    )
    parser.add_argument("--received-at", type=moment, metavar="ISO", help="default: now")


def run(options: argparse.Namespace) -> int:
    """Obey it at once, for every purpose."""
    from worker.management.cli import ready

    ready()
    from worker import clock
    from worker.actions.consent.desk_revoke import from_desk

    count = from_desk(
        clinic_slug=options.clinic,
        phone=options.phone or "",
        email=options.email or "",
        client_id=options.client,
        reason=options.reason,
        received_at=options.received_at,
        now=clock.now(),
    )
    print(f"stopped: {count} address(es) of the clinic get nothing more")
    return 0
