"""aftercare export."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from worker.management.arguments import person
from worker.management.fresh_file import fresh

if TYPE_CHECKING:
    import argparse

HELP = "one client's data as JSON, decrypted, for herself; that it was taken out is recorded"


def add(parser: argparse.ArgumentParser) -> None:
    """Whose, where to, and who asks."""
    parser.add_argument("client", type=int, metavar="CLIENT")
    parser.add_argument("--out", type=Path, metavar="FILE", help="a new file that only you may read; default: print it")
    parser.add_argument("--by", type=person(), metavar="EMAIL", help="one of the clinic's staff, for the record")
    parser.add_argument("--json", action="store_true", help="it always is JSON")


def run(options: argparse.Namespace) -> int:
    """Record the export, then write it."""
    from worker.management.cli import ready

    ready()
    from worker import clock
    from worker.actions.privacy.export import export

    if options.out is None:
        _write(export(client_id=options.client, by=options.by or "", now=clock.now()), sys.stdout)
        return 0
    file = fresh(options.out)
    try:
        with file:
            _write(export(client_id=options.client, by=options.by or "", now=clock.now()), file)
    except BaseException:
        options.out.unlink()
        raise
    print(f"written to {options.out}; only you may read it. Delete it once the client has it.")
    return 0


def _write(said: object, out: TextIO) -> None:
    json.dump(said, out, indent=2, ensure_ascii=False)
    out.write("\n")
