"""aftercare verify."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "check the audit chain against its published heads, and that every standing is what the ledger says"
KEY_DIGITS = 64


def add(parser: argparse.ArgumentParser) -> None:
    """Which copy of the heads, whose keys, and how to print it."""
    parser.add_argument("--heads", type=Path, metavar="FILE", help="a copy of the heads file; default: HEADS_FILE")
    parser.add_argument(
        "--key", type=_key, action="append", default=[], metavar="KEY", help="an earlier public key to believe as well"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Exit 1 when anything was changed, removed or inserted."""
    from worker.management.cli import ready, show

    ready()
    from worker import heads
    from worker.reading.chain import faults
    from worker.reading.heads import published
    from worker.rules.refusal import Refusal, Refusals

    if options.heads and not options.heads.is_file():
        raise Refusals([Refusal("heads", "is no file", "name a copy of HEADS_FILE")])
    known = published(options.heads, keys=options.key)
    found = faults(known)
    newest = known.newest()
    public = next(iter(heads.public_keys().values()))
    lines = found or ["the chain is whole, and every standing is what the ledger says"]
    lines += [
        f"{clinic}: the newest published head is of {each.day}, seal {each.seal}" for clinic, each in newest.items()
    ]
    if not newest:
        lines += ["no head was published yet: rows cut off at the end would not be noticed"]
    lines += [f"heads are signed under the public key {public}"]
    told = {clinic: each.as_json() for clinic, each in newest.items()}
    show({"ok": not found, "faults": found, "heads": told, "public_key": public}, as_json=options.json, lines=lines)
    return 1 if found else 0


def _key(said: str) -> str:
    key = said.strip().lower()
    if len(key) != KEY_DIGITS or not set(key) <= set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(f"is no public key: {KEY_DIGITS} hexadecimal digits")
    return key
