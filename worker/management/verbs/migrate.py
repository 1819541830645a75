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
    """Apply the migrations."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0 if options.quiet else 1, interactive=False)
    return 0
