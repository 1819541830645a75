"""aftercare migrate."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

HELP = "bring the database to this version's tables"


def add(parser: argparse.ArgumentParser) -> None:
    """No arguments."""
    parser.add_argument("--quiet", action="store_true", help="print nothing when all goes well")


def run(options: argparse.Namespace) -> int:
    """Apply the migrations, one process at a time."""
    import django

    django.setup()
    from worker.management.migrating import migrate

    migrate(quiet=options.quiet)
    return 0
