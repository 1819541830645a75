"""aftercare rehearse."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

YEARS = range(1900, 2200)  # as an enrolment has them
HELP = "print a client's, or a protocol's, whole timeline with exact local times, without sending"


def add(parser: argparse.ArgumentParser) -> None:
    """Whose timeline."""
    parser.add_argument("subject", metavar="CLIENT|PROTOCOL", help="a client's id, or a protocol's code")
    parser.add_argument("--clinic", default="", metavar="SLUG")
    parser.add_argument("--treated-at", type=datetime.fromisoformat, metavar="ISO", help="default: now")
    parser.add_argument("--session-at", type=datetime.fromisoformat, metavar="ISO", help="the next session, if booked")
    parser.add_argument("--zone", default="", help="the client's IANA zone, default the clinic's")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print it."""
    from worker.management.cli import ready, show
    from worker.rules.refusal import Refusal, Refusals

    ready()
    from worker import clock
    from worker.reading import rehearsal

    for name in ("treated_at", "session_at"):
        at = getattr(options, name)
        if at is not None and (at.tzinfo is None or at.year not in YEARS):
            mend = "for example 2026-03-08T10:00:00-05:00"
            raise Refusals([Refusal(f"--{name.replace('_', '-')}", "has no offset, or is in no year of ours", mend)])
    if options.subject.isdecimal():
        rows = rehearsal.of_client(int(options.subject))
    else:
        rows = rehearsal.of_protocol(
            options.subject,
            clinic_slug=options.clinic,
            treated_at=options.treated_at or clock.now(),
            session_at=options.session_at,
            zone_name=options.zone,
            now=clock.now(),
        )
    show(rows, as_json=options.json, lines=list(_lines(rows)) or ["nothing is planned"])
    return 0


def _lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A line a message, and one where the clock on the wall is put forward or back between two of them."""
    known = ""
    for row in rows:
        clock = row["local"].split()[-1]
        if known and clock != known:
            yield f"  -- the clock changes: {clock} from here on, no longer {known} --"
        known = clock
        yield _line(row)


def _line(row: dict[str, Any]) -> str:
    state = row.get("state") or row["outcome"]
    more = row.get("why") or row.get("reason") or ""
    return f"{row['local']:26} {row['channel']:6} {state:10} {row['step']}" + (f"  ({more})" if more else "")
