"""aftercare adopt."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

HELP = "let running courses go on under a protocol's newest approved version"


def add(parser: argparse.ArgumentParser) -> None:
    """Which protocol, and who decides it."""
    parser.add_argument("protocol", help="its code")
    parser.add_argument("--by", required=True, metavar="EMAIL", help="a practitioner of the clinic")
    parser.add_argument("--clinic", default="", metavar="SLUG")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Client by client; run again, it does what is left."""
    from worker.management.cli import ready, show

    ready()
    from worker import clock
    from worker.actions.course.adopt import adopt
    from worker.actions.protocols.approve import the_protocol

    protocol = the_protocol(options.protocol, clinic_slug=options.clinic)
    done = adopt(protocol=protocol, by=options.by, now=clock.now())
    said = {"version": done.version, "clients": done.clients, "ended": done.ended, "planned": done.planned}
    line = (
        f"version {done.version}: {done.clients} client(s) go on under it; "
        f"{done.ended} message(s) ended, {done.planned} planned"
    )
    show(said, as_json=options.json, lines=[line])
    return 0
