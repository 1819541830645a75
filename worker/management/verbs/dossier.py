"""aftercare dossier."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from worker.management.arguments import person, row_id
from worker.management.fresh_file import fresh

if TYPE_CHECKING:
    import argparse

HELP = "one client's consent with its proof, in a file that anybody can check offline (docs/check_dossier.py)"


def add(parser: argparse.ArgumentParser) -> None:
    """Whose, where to, and who asks."""
    parser.add_argument("client", type=row_id, metavar="CLIENT")
    parser.add_argument("--out", type=Path, metavar="FILE", help="a new file that only you may read; default: print it")
    parser.add_argument("--html", type=Path, metavar="FILE", help="the same as a page to print")
    parser.add_argument("--bodies", action="store_true", help="with the texts as they were sent")
    parser.add_argument("--by", type=person(), metavar="EMAIL", help="one of the clinic's staff, for the record")
    parser.add_argument("--json", action="store_true", help="it always is JSON")


def run(options: argparse.Namespace) -> int:
    """Record that it was made, then write it."""
    from worker.management.cli import ready

    ready()
    from worker import clock
    from worker.actions.privacy.dossier import dossier
    from worker.reading.dossier import page

    with ExitStack() as whole, ExitStack() as files:
        opened = {name: _file(whole, files, name, getattr(options, name)) for name in ("out", "html")}
        made = dossier(client_id=options.client, by=options.by or "", bodies=options.bodies, now=clock.now())
        _write(made.said, opened["out"] or (None if opened["html"] else sys.stdout))
        if opened["html"]:
            opened["html"].write(page(made.said))
        files.close()
        whole.pop_all()
    for name in ("out", "html"):
        if opened[name]:
            print(f"written to {getattr(options, name)}; only you may read it")
    if not made.kept:
        print("the head it ends in is not in HEADS_FILE, which can't be written; see aftercare doctor", file=sys.stderr)
    return 0


def _file(whole: ExitStack, files: ExitStack, field: str, path: Path | None) -> TextIO | None:
    """A new file, or None; it goes again when anything fails before the end."""
    if path is None:
        return None
    file = files.enter_context(fresh(path, field=field))
    whole.callback(path.unlink)
    return file


def _write(said: dict[str, Any], out: TextIO | None) -> None:
    if out:
        json.dump(said, out, indent=1, ensure_ascii=False)
        out.write("\n")
