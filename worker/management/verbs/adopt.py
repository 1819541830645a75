"""aftercare adopt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management.arguments import person

if TYPE_CHECKING:
    import argparse

HELP = "let running courses go on under a protocol's newest approved version"


def add(parser: argparse.ArgumentParser) -> None:
    """Which protocol, and who decides it."""
    parser.add_argument("protocol", help="its code")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--by", type=person(), metavar="EMAIL", help="a practitioner of the clinic")
    how.add_argument("--preview", action="store_true", help="say what would change, drafts included; change nothing")
    parser.add_argument("--clinic", default="", metavar="SLUG")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Client by client; run again, it does what is left."""
    from worker.management.cli import ready, show

    ready()
    from worker import clock
    from worker.actions.course.adopt import adopt
    from worker.actions.protocols.approve import the_protocol

    protocol = the_protocol(options.protocol, clinic_slug=options.clinic)
    if options.preview:
        from worker.reading.shadow import difference

        found = difference(protocol, now=clock.now())
        head = f"version {found['version']}: {found['clients']} client(s) are under an older one"
        steps = [f"  {each['messages']:>6}  {each['step']} {each['change']}" for each in found["steps"]]
        show(found, as_json=options.json, lines=[head, *(steps or ["  nothing would change"])])
        return 0
    done = adopt(protocol=protocol, by=options.by, now=clock.now())
    said = {"version": done.version, "clients": done.clients, "ended": done.ended, "planned": done.planned}
    line = (
        f"version {done.version}: {done.clients} client(s) go on under it; "
        f"{done.ended} message(s) ended, {done.planned} planned"
    )
    show(said, as_json=options.json, lines=[line])
    return 0
