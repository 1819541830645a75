"""aftercare api-key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management.arguments import person, row_id, words

if TYPE_CHECKING:
    import argparse

HELP = "keys for a clinic's calendar: make one, list them, revoke one"


def add(parser: argparse.ArgumentParser) -> None:
    """One act a sub-verb."""
    acts = parser.add_subparsers(dest="act", metavar="make|list|revoke", required=True)
    make = acts.add_parser("make", help="give a calendar a key; it is shown once")
    make.add_argument("--clinic", default="", metavar="SLUG")
    make.add_argument("--source", required=True, metavar="NAME", help="what the calendar is called, such as cliniko")
    make.add_argument("--name", type=words(60), default="", help="what the key is for, to know it by later")
    make.add_argument("--by", type=person(), required=True, metavar="EMAIL", help="an owner or operator of the clinic")
    listed = acts.add_parser("list", help="every key that was given")
    listed.add_argument("--clinic", default="", metavar="SLUG")
    revoke = acts.add_parser("revoke", help="end a key at once")
    revoke.add_argument("id", type=row_id, metavar="ID")
    revoke.add_argument(
        "--by", type=person(), required=True, metavar="EMAIL", help="an owner or operator of the clinic"
    )
    for each in (make, listed, revoke):
        each.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Do it."""
    from worker.management.cli import ready

    ready()
    return {"make": _make, "list": _list, "revoke": _revoke}[options.act](options)


def _make(options: argparse.Namespace) -> int:
    from worker import clock
    from worker.actions.clients import find
    from worker.actions.course.feed import make_key
    from worker.management.cli import show

    clinic = find.clinic(options.clinic) if options.clinic else find.only_clinic()
    key, text = make_key(clinic=clinic, source=options.source, name=options.name, by=options.by, now=clock.now())
    said = {"id": key.pk, "clinic": clinic.slug, "source": options.source, "key": text}
    lines = [f"key {key.pk} for {options.source} of {clinic.slug}, shown this once:", text]
    show(said, as_json=options.json, lines=lines)
    return 0


def _list(options: argparse.Namespace) -> int:
    from worker.management.cli import show
    from worker.reading.feeds import keys

    rows = keys(clinic_slug=options.clinic)
    lines = [
        f"{row['id']:>6}  {row['clinic']}  {row['source']}  {row['name'] or '-'}  "
        f"used {row['used_at'] or 'never'}" + (f"  REVOKED {row['revoked_at']}" if row["revoked_at"] else "")
        for row in rows
    ]
    show(rows, as_json=options.json, lines=lines or ["no keys"])
    return 0


def _revoke(options: argparse.Namespace) -> int:
    from worker import clock
    from worker.actions.course.feed import revoke_key
    from worker.management.cli import show

    fresh = revoke_key(key_id=options.id, by=options.by, now=clock.now())
    line = f"key {options.id} opens nothing any more" if fresh else f"key {options.id} was revoked before"
    show({"id": options.id, "revoked": True, "again": not fresh}, as_json=options.json, lines=[line])
    return 0
