"""aftercare pause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management.arguments import words

if TYPE_CHECKING:
    import argparse

WHY, BY = 200, 60  # what the table holds
HELP = "pause everything, a clinic, a channel, a protocol or a sender, from the next decision on"


def add(parser: argparse.ArgumentParser) -> None:
    """What, why and who."""
    add_scope(parser)
    parser.add_argument("--why", type=words(WHY), required=True)
    parser.add_argument("--by", type=words(BY), default="command")


def add_scope(parser: argparse.ArgumentParser) -> None:
    """The scopes that pause and resume share."""
    parser.add_argument("--all", action="store_true", help="everything, everywhere")
    parser.add_argument("--drain", action="store_true", help="workers finish what they hold, and claim nothing new")
    parser.add_argument("--clinic", default="", metavar="SLUG")
    parser.add_argument("--channel", default="", choices=["sms", "email"])
    parser.add_argument("--protocol", default="", metavar="CODE")
    parser.add_argument("--sender", default="", metavar="IDENTITY")


def scope(options: argparse.Namespace) -> tuple[str, str]:
    """What was named; nothing named is a usage error, never "everything"."""
    from worker.reading.scopes import scope_of
    from worker.rules.refusal import Refusal, Refusals

    named = [options.all, options.drain, options.clinic, options.channel, options.protocol, options.sender]
    if not any(named):
        raise Refusals(
            [Refusal("scope", "is missing", "name --all, --drain, --clinic, --channel, --protocol or --sender")]
        )
    return scope_of(
        everything=options.all,
        clinic=options.clinic,
        channel=options.channel,
        protocol=options.protocol,
        sender=options.sender,
        drain=options.drain,
    )


def run(options: argparse.Namespace) -> int:
    """Pause it."""
    from worker.management.cli import ready

    ready()
    from worker import clock
    from worker.actions.consent.hold import pause
    from worker.models.hold import PauseScope

    kind, value = scope(options)
    pause(scope=PauseScope(kind), value=value, why=options.why, by=options.by, now=clock.now())
    print(f"paused: {kind} {value}".rstrip())
    return 0
