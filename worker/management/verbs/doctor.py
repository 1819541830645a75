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

    from config.environment import BadSetting
    from worker.reading import finding

    try:
        django.setup()
    except BadSetting as bad:
        return _told(finding.of_settings(bad), [], options)
    from worker.reading.doctor import findings

    found = findings(network=not options.no_network)
    fixed = _fixed(found) if options.fix else []
    if fixed:
        found = findings(network=not options.no_network)
    return _told(found, fixed, options)


def _told(found: list[Finding], fixed: list[str], options: argparse.Namespace) -> int:
    from worker.management.cli import show
    from worker.reading.finding import as_json, as_lines

    lines = [*(f"fixed {each}" for each in fixed), *as_lines(found)]
    show(as_json(found) | {"fixed": fixed}, as_json=options.json, lines=lines)
    return 0 if all(each.ok for each in found) else 1


def _fixed(found: list[Finding]) -> list[str]:
    """Mend what can be mended without losing anything; the names of what was."""
    wanted = {each.fix for each in found if each.fix and not each.ok}
    return [name for name, fix in (("migrate", _migrate), ("redis_policy", _redis_policy)) if name in wanted and fix()]


def _migrate() -> bool:
    from worker.management.migrating import migrate

    migrate(quiet=True)
    return True


def _redis_policy() -> bool:
    from worker import broker

    try:
        broker.keep_everything()
    except ConnectionError:
        return False
    return True
