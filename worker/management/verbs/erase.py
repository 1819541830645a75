"""aftercare erase."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management.arguments import person

if TYPE_CHECKING:
    import argparse

HELP = "erase a client for good; the stop and the proof of consent stay, without name, address or text"


def add(parser: argparse.ArgumentParser) -> None:
    """Whom, and who says so."""
    parser.add_argument("client", type=int, metavar="CLIENT")
    parser.add_argument("--by", type=person(), required=True, metavar="EMAIL", help="one of the clinic's staff")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Erase, and print the manifest."""
    from worker.management.cli import ready, show

    ready()
    from worker import clock
    from worker.actions.privacy.erase import erase

    manifest = erase(client_id=options.client, by=options.by, now=clock.now())
    show(manifest.as_json(), as_json=options.json, lines=list(manifest.lines()))
    return 0
