"""aftercare approve."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

HELP = "record a practitioner's approval of a protocol's current draft, with its hash"


def add(parser: argparse.ArgumentParser) -> None:
    """Which protocol, and who says yes."""
    parser.add_argument("protocol")
    parser.add_argument("--by", required=True, metavar="EMAIL", help="the practitioner")
    parser.add_argument("--clinic", default="", metavar="SLUG", help="when several clinics have the protocol")
    parser.add_argument("--review-by", type=datetime.fromisoformat, help="date of the next review, default in a year")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Approve the newest version."""
    from worker.management.cli import ready, show

    ready()
    from worker import clock
    from worker.actions.protocols.approve import approve, the_protocol

    protocol = the_protocol(options.protocol, clinic_slug=options.clinic)
    until = datetime.combine(options.review_by.date(), time(), UTC) if options.review_by else None
    approval, new = approve(protocol=protocol, by=options.by, now=clock.now(), review_by=until)
    said = {
        "protocol": protocol.code,
        "version": approval.version.number,
        "sha256": approval.sha256,
        "review_by": approval.review_by.isoformat(),
        "new": new,
    }
    line = f"{protocol.code} version {approval.version.number} is approved until {approval.review_by:%-d %B %Y}"
    lines = [line + ("" if new else " (it was already)"), f"  sha256 {approval.sha256}"]
    show(said, as_json=options.json, lines=lines)
    return 0
