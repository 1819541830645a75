"""aftercare rotate-keys."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

HELP = "bring everything stored under the newest keys, and say which old ones may go"


def add(parser: argparse.ArgumentParser) -> None:
    """How much at a time."""
    parser.add_argument("--batch", type=int, default=200, metavar="N", help="rows in one transaction (default 200)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Rotate; progress goes to standard error. Exit 1 when something can't be read with the keys at hand."""
    from worker.management.cli import ready, show

    ready()
    from worker import clock
    from worker.actions.privacy.rotate import rotate

    done = rotate(batch=options.batch, now=clock.now(), tell=partial(print, file=sys.stderr, flush=True))
    sealed = sum(done.resealed.values())
    lines = [f"anew: {sealed} sealed value(s), {done.rekeyed} address(es), {done.reindexed} client(s) to search for"]
    lines += [f"{key.setting} key {key.key_id}: {key.says}" for key in done.keys]
    if done.unreadable:
        lines.append(f"{done.unreadable} can't be read, among them: {', '.join(done.examples)}")
    if any(key.may_be_dropped for key in done.keys):
        lines.append("drop a key only once every process runs with this list; one that does not still uses it")
    show(done.as_json(), as_json=options.json, lines=lines)
    return 0 if done.ok else 1
