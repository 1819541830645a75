"""aftercare messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management.arguments import row_id
from worker.rules.states import State

if TYPE_CHECKING:
    import argparse

HELP = "list messages: id, client, step, channel, state, reason, times, attempts"


def add(parser: argparse.ArgumentParser) -> None:
    """Which ones."""
    parser.add_argument("--client", type=row_id, metavar="ID")
    parser.add_argument("--state", choices=[state.value for state in State])
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print them in due order."""
    from worker.management.cli import ready, show

    ready()
    from worker.reading.messages import listed

    rows = listed(client_id=options.client, state=options.state)
    lines = [
        f"{row['id']:>6}  client {row['client'] or '-':>5}  {row['local']}  {row['channel']:5}  "
        f"{row['state']:11}  {row['step']}" + (f"  ({row['reason']})" if row["reason"] else "")
        for row in rows
    ]
    show(rows, as_json=options.json, lines=lines or ["no messages"])
    return 0
