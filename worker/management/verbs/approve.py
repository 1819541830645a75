"""aftercare approve."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from worker.management.arguments import person, row_id

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from worker.models import Approval

HELP = "record a practitioner's approval of a protocol's draft, with its hash"


def add(parser: argparse.ArgumentParser) -> None:
    """Which protocol, and who says yes."""
    parser.add_argument("protocol")
    parser.add_argument(
        "--version", type=row_id, metavar="N", help="which one, as `aftercare load` and the pages number them"
    )
    parser.add_argument("--by", type=person(), required=True, metavar="EMAIL", help="the practitioner")
    parser.add_argument("--clinic", default="", metavar="SLUG", help="when several clinics have the protocol")
    parser.add_argument("--review-by", type=datetime.fromisoformat, help="date of the next review, default in a year")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Approve the version that was named, or the only one that waits; print which it was."""
    from worker.management.cli import ready, show

    ready()
    from worker import clock
    from worker.actions.protocols.approve import approve, the_protocol

    protocol, now = the_protocol(options.protocol, clinic_slug=options.clinic), clock.now()
    until = datetime.combine(options.review_by.date(), time(), UTC) if options.review_by else None
    approval, new = approve(protocol=protocol, by=options.by, now=now, review_by=until, version=options.version)
    said = {
        "protocol": protocol.code,
        "version": approval.version.number,
        "sha256": approval.sha256,
        "review_by": approval.review_by.isoformat(),
        "new": new,
    }
    line = f"{protocol.code} version {approval.version.number} is approved until {approval.review_by:%-d %B %Y}"
    lines = [line + ("" if new else " (it was already)"), f"  sha256 {approval.sha256}"]
    show(said, as_json=options.json, lines=[*lines, *_besides(approval, now)])
    return 0


def _besides(approval: Approval, now: datetime) -> Iterator[str]:
    """What whoever approved another version than she thought would notice: newer ones in use, and drafts."""
    from worker.actions.clients.find import approved_version
    from worker.actions.protocols.approve import drafts

    version = approval.version
    protocol = version.protocol
    used = approved_version(protocol.code, clinic_id=protocol.clinic_id, now=now, field="protocol").number
    if used != version.number:
        yield f"  version {used} is approved and newer: new clients are enrolled under that one"
    left = drafts(protocol, now=now)
    if left:
        yield f"  not approved: version {', '.join(map(str, left))}; name it with --version to approve it"
