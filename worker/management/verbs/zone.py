"""aftercare zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management.arguments import person, row_id

if TYPE_CHECKING:
    import argparse

HELP = "say where a client lives: what is still to come is planned anew on her own clock"


def add(parser: argparse.ArgumentParser) -> None:
    """Who, where, and who says so."""
    parser.add_argument("client", type=row_id, metavar="CLIENT", help="the client's id")
    parser.add_argument("zone", metavar="ZONE", help="an IANA name, for example America/Chicago")
    parser.add_argument(
        "--by", type=person(), required=True, metavar="EMAIL", help="one of the desk, a practitioner or an owner"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Change it, or refuse with the mend."""
    from worker.management.cli import ready, show

    ready()
    from worker import clock
    from worker.actions.clients.zone import tell_zone
    from worker.reading.messages import listed

    done = tell_zone(client_id=options.client, name=options.zone, by=options.by, now=clock.now())
    fresh = {each.pk for each in done.planned}
    planned = [each for each in listed(client_id=options.client) if each["id"] in fresh]
    said = {"client": options.client, "zone": done.zone, "ended": done.ended, "planned": planned}
    line = f"client {options.client} lives by {done.zone}: {done.ended} message(s) ended, {len(planned)} planned on it"
    show(said, as_json=options.json, lines=[line])
    return 0
