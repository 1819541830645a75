"""aftercare contact."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from worker.management.arguments import person, row_id

if TYPE_CHECKING:
    import argparse

HELP = "give a client another phone or mailbox: the old consent closes, the new address needs its own"


def add(parser: argparse.ArgumentParser) -> None:
    """Who, and the new address: in a file with what was agreed to, or alone."""
    parser.add_argument("client", type=row_id, metavar="CLIENT", help="the client's id")
    parser.add_argument("file", type=Path, nargs="?", help="JSON with consents; see docs/contact.md for its fields")
    parser.add_argument("--phone", default="")
    parser.add_argument("--email", default="")
    parser.add_argument("--by", type=person(), metavar="EMAIL", help="who changes it, with --phone or --email")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Change it, or refuse with every fault."""
    from worker.management.cli import ready, show

    file = _file(options)
    ready()
    from worker import clock
    from worker.actions.clients.contact import change_contact
    from worker.reading.messages import listed

    done = change_contact(client_id=options.client, file=file, now=clock.now())
    fresh = {each.pk for each in done.planned}
    planned = [each for each in listed(client_id=done.client.pk) if each["id"] in fresh]
    said = {
        "client": done.client.pk, "closed": done.closed, "cancelled": done.cancelled,
        "asked": done.asked, "silent": done.silent, "planned": planned,
    }  # fmt: skip
    ended = f"{done.closed} consent(s) closed, {done.cancelled} message(s) cancelled"
    lines = [f"client {done.client.pk}: {ended}, {len(planned)} planned anew"]
    lines += [f"  {each}: everything waits for the client's own yes" for each in done.asked]
    lines += [f"  {each}: nothing goes there until the client agrees; a task asks staff for it" for each in done.silent]
    show(said, as_json=options.json, lines=lines)
    return 0


def _file(options: argparse.Namespace) -> Any:
    """The change as a file says it, or as two options do. Raises Refusals."""
    from worker.intake.contact import ContactFile
    from worker.intake.shape import checked, read_json
    from worker.rules.refusal import Refusal, Refusals

    alone = {"phone": options.phone, "email": options.email, "changed_by": options.by}
    if options.file is None:
        if not options.by:
            raise Refusals([Refusal("--by", "is missing", "add the email of whoever changes it")])
        return checked(ContactFile, alone)
    if any(alone.values()):
        raise Refusals([Refusal("file", "stands beside --phone, --email or --by", "put everything into the file")])
    return checked(ContactFile, read_json(options.file))
