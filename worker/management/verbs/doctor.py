"""aftercare doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

HELP = "check configuration and connections; every finding has a mend"


def add(parser: argparse.ArgumentParser) -> None:
    """How to print it."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Exit 1 when anything is wrong."""
    import django

    from worker.management.cli import show

    django.setup()
    from worker.reading.doctor import as_json, findings

    found = findings()
    lines = [
        f"{'ok  ' if each.ok else 'MEND'}  {each.what}: {each.says}" + ("" if each.ok else f"\n      {each.mend}")
        for each in found
    ]
    show(as_json(found), as_json=options.json, lines=lines)
    return 0 if all(each.ok for each in found) else 1
