"""aftercare doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from worker.reading.finding import Finding

HELP = "check configuration and connections; every finding has a mend; exit 1 when anything is wrong"


def add(parser: argparse.ArgumentParser) -> None:
    """How to print it, and whether to mend."""
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--no-network", action="store_true", help="look no name up and knock at no door outside")
    parser.add_argument(
        "--fix", action="store_true", help="mend what is safe to mend: missing migrations, Redis's eviction policy"
    )


def run(options: argparse.Namespace) -> int:
    """Exit 1 when anything is wrong, and stays wrong."""
    import django

    from worker.management.cli import show

    django.setup()
    from worker.reading.doctor import as_json, findings

    found = findings(network=not options.no_network)
    fixed = _fixed(found) if options.fix else []
    if fixed:
        found = findings(network=not options.no_network)
    lines = [f"fixed {each}" for each in fixed] + [
        f"{'ok  ' if each.ok else 'MEND'}  {each.what}: {each.says}" + ("" if each.ok else f"\n      {each.mend}")
        for each in found
    ]
    show(as_json(found) | {"fixed": fixed}, as_json=options.json, lines=lines)
    return 0 if all(each.ok for each in found) else 1


def _fixed(found: list[Finding]) -> list[str]:
    """Mend what can be mended without losing anything; the names of what was."""
    wanted = {each.fix for each in found if each.fix and not each.ok}
    return [name for name, fix in (("migrate", _migrate), ("redis_policy", _redis_policy)) if name in wanted and fix()]


def _migrate() -> bool:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    return True


def _redis_policy() -> bool:
    from worker import broker

    try:
        broker.keep_everything()
    except ConnectionError:
        return False
    return True
