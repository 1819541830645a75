"""The `aftercare` command: one verb a module, exit 0 done, 1 refused with the mend, 2 usage."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from config.environment import BadSetting
from worker.management.verbs import VERBS
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, REFUSED = 0, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; what it was refused for goes to standard error, a line per fault."""
    options = parser().parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        return int(options.run(options) or DONE)
    except (Refusals, Refusal, BadSetting) as refused:
        return refuse(str(refused))
    except BrokenPipeError:
        return DONE  # the reader of our output has seen enough
    except KeyboardInterrupt:
        return refuse("stopped")


def parser() -> argparse.ArgumentParser:
    """The command's whole grammar."""
    top = argparse.ArgumentParser(prog="aftercare", description="Aftercare and reminders that stop when told to.")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name in VERBS:
        module = importlib.import_module(f"worker.management.verbs.{name}")
        verb = verbs.add_parser(name.rstrip("_").replace("_", "-"), help=module.HELP, description=module.HELP)
        module.add(verb)
        verb.set_defaults(run=module.run)
    return top


def refuse(message: str) -> int:
    """Say why not; exit status 1."""
    print(message, file=sys.stderr)
    return REFUSED


def ready() -> None:
    """Django, set up; a database without our tables is refused with the mend."""
    import django

    django.setup()
    from django.db import DatabaseError, connection

    try:
        tables = connection.introspection.table_names()
    except DatabaseError as error:
        raise unreachable(error) from None
    if "aftercare_message" not in tables:
        raise Refusals([Refusal("database", "has no tables yet", "run: aftercare migrate")])


def unreachable(error: Exception) -> Refusals:
    """What to say of a database that can't be asked; its own words may name a host or a user, and are not repeated."""
    mend = "start it, or mend the URL; aftercare doctor says more"
    return Refusals([Refusal("DATABASE_URL", f"the database does not answer ({type(error).__name__})", mend)])


def show(data: Any, *, as_json: bool, lines: Sequence[str]) -> None:
    """Print `data` as JSON, or the lines for people."""
    if as_json:
        json.dump(data, sys.stdout, indent=2, default=str, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    sys.exit(main())
