"""aftercare explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management.arguments import row_id

if TYPE_CHECKING:
    import argparse

HELP = "why a message was or was not sent, from the record"


def add(parser: argparse.ArgumentParser) -> None:
    """Which one."""
    parser.add_argument("id", type=row_id)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Tell its story."""
    from worker.management.cli import ready, show

    ready()
    from worker.reading.explain import explained

    said = explained(options.id)
    lines = [f"message {said['id']}: {said['step']} by {said['channel']} is {said['state']}"]
    lines += [f"  because {said['plain']}"] if said["plain"] else []
    lines += [f"  {each['at']}  {each['plain']}" for each in said["decisions"]]
    for attempt in said["attempts"]:
        lines.append(
            f"  {attempt['decided_at']}  attempt {attempt['id'][:8]}: {attempt['state']} {attempt['code']}".rstrip()
        )
        lines += [
            f"    {each['at']}  receipt: {each['status']} {each['code']}".rstrip() for each in attempt["receipts"]
        ]
    show(said, as_json=options.json, lines=lines)
    return 0
