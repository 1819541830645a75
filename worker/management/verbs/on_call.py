"""aftercare on-call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.management.arguments import person

if TYPE_CHECKING:
    import argparse

HELP = "who of the staff is told when a warning sign comes in: list them, agree for yourself, or leave"


def add(parser: argparse.ArgumentParser) -> None:
    """List, agree, or leave."""
    parser.add_argument("--clinic", default="", metavar="SLUG", help="when there is more than one")
    parser.add_argument("--json", action="store_true", help="print JSON")
    act = parser.add_subparsers(dest="act", metavar="agree|leave")
    agree = act.add_parser("agree", help="be told at this phone or mailbox; takes the place of the one before")
    agree.add_argument("address", help="your own phone or mailbox")
    agree.add_argument("--by", type=person(), required=True, metavar="EMAIL", help="you: nobody agrees for a colleague")
    agree.add_argument("--i-agree", action="store_true", help="say that you want to be told there; needed")
    leave = act.add_parser("leave", help="be told no more")
    leave.add_argument("channel", choices=("sms", "email"))
    leave.add_argument("--by", type=person(), required=True, metavar="EMAIL")


def run(options: argparse.Namespace) -> int:
    """Print who is on call; or change it."""
    from worker.management.cli import ready, show

    ready()
    from worker import clock
    from worker.actions.clients import find
    from worker.actions.converse import on_call
    from worker.reading.red_flags import on_call as listed
    from worker.rules.names import Channel

    clinic = find.clinic(options.clinic) if options.clinic else find.only_clinic()
    now = clock.now()
    if options.act == "agree":
        on_call.agree(clinic=clinic, by=options.by, address=options.address, affirmed=options.i_agree, now=now)
    elif options.act == "leave":
        on_call.leave(clinic=clinic, by=options.by, channel=Channel(options.channel), now=now)
    rows = listed(clinic.pk)
    lines = [f"{each['name']:30} {each['channel']:5} {_why_not(each)}" for each in rows]
    show(
        rows,
        as_json=options.json,
        lines=lines or ["nobody is told: aftercare on-call agree PHONE --by EMAIL --i-agree"],
    )
    return 0


def _why_not(row: dict[str, Any]) -> str:
    if row["stopped"]:
        return "said STOP there"
    return "on hold: aftercare release" if row["held"] else ""
