"""aftercare demo."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

HELP = "play a clinic's six weeks in about a minute through real Celery, Redis, HTTP and SMTP, and judge every promise"


def add(parser: argparse.ArgumentParser) -> None:
    """How to print it, and where to listen."""
    parser.add_argument("--json", action="store_true", help="print JSON at the end, progress to standard error")
    parser.add_argument("--port", type=int, default=0, help="first of four free ports (default: any)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep database and logs in this empty folder")


def run(options: argparse.Namespace) -> int:
    """Exit 0 only if every promise held."""
    from worker.sandbox.demo import play_demo
    from worker.sandbox.lockfile import CannotStartError

    try:
        if options.keep:
            return play_demo(options.keep.absolute(), port=options.port, as_json=options.json)
        with tempfile.TemporaryDirectory(prefix="aftercare-demo-") as folder:
            return play_demo(Path(folder), port=options.port, as_json=options.json)
    except CannotStartError as refused:
        print(refused, file=sys.stderr)
        return 1
