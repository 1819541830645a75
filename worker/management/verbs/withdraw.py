"""aftercare withdraw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management.arguments import person

if TYPE_CHECKING:
    import argparse

HELP = "withdraw a protocol's approval: nothing more of it leaves"


def add(parser: argparse.ArgumentParser) -> None:
    """Which protocol, and who says so."""
    parser.add_argument("protocol")
    parser.add_argument("--by", type=person(), required=True, metavar="EMAIL", help="the practitioner")
    parser.add_argument("--clinic", default="", metavar="SLUG", help="when several clinics have the protocol")


def run(options: argparse.Namespace) -> int:
    """Withdraw every standing approval."""
    from worker.management.cli import ready

    ready()
    from worker import clock
    from worker.actions.protocols.approve import the_protocol, withdraw

    protocol = the_protocol(options.protocol, clinic_slug=options.clinic)
    ended = withdraw(protocol=protocol, by=options.by, now=clock.now())
    which = f"version{'s' if len(ended) > 1 else ''} {', '.join(map(str, ended))}"
    print(f"{protocol.code}: {len(ended)} approval(s) withdrawn ({which}); nothing more of it leaves")
    return 0
