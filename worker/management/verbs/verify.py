"""aftercare verify."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

HELP = "check the audit chain and that every standing is what the ledger says"


def add(parser: argparse.ArgumentParser) -> None:
    """How to print it."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Exit 1 when anything was changed, removed or inserted."""
    from worker.management.cli import ready, show

    ready()
    from worker.reading.chain import faults

    found = faults()
    lines = found or ["the chain is whole, and every standing is what the ledger says"]
    show({"ok": not found, "faults": found}, as_json=options.json, lines=lines)
    return 1 if found else 0
