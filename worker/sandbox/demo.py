"""Six weeks in about a minute: starts every part, plays the story, and prints each client's phone and the verdicts."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from worker.sandbox.house import House, Plan
from worker.sandbox.lockfile import CannotStartError
from worker.sandbox.parts import Supervisor

if TYPE_CHECKING:
    from pathlib import Path

    from worker.sandbox.story import Happenings
    from worker.sandbox.verdict import Arrived, Verdict

LENGTH = timedelta(days=45)
FAST_TICK = 200  # milliseconds between beats, so that a step of the calendar takes a moment


def play_demo(home: Path, *, port: int, as_json: bool) -> int:
    """Play it in `home`; 0 when every promise held. Raises CannotStartError with the mend."""
    if home.exists() and any(home.iterdir()):
        raise CannotStartError(f"{home} is not empty; give the demo a new folder")
    began = time.monotonic()
    for name in ("DATABASE_URL", "REDIS_URL", "SMS_CHANNEL", "EMAIL_URL", "PUBLIC_URL", "SECRET_KEY"):
        os.environ.pop(name, None)  # the demo never touches an installation that the environment points at
    plan = Plan(home=home, port=port or free_ports(4), stepped=True, tick_milliseconds=FAST_TICK)
    house = House(plan)
    say("starting Redis, the outside, web, worker and beat ...")
    house.migrate()
    supervisor = Supervisor(house.parts, log_dir=home / "log")
    with supervisor:
        watching = threading.Thread(target=supervisor.watch, daemon=True)
        watching.start()
        story, verdicts, seen = _tell(house)
    watching.join(timeout=10)
    seconds = time.monotonic() - began
    _print(story, verdicts, seen, seconds, as_json=as_json)
    return 0 if all(each.held for each in verdicts) else 1


def free_ports(count: int) -> int:
    """The first of `count` neighbouring ports of the loopback address that nobody uses."""
    for first in range(18_000 + os.getpid() % 1000 * 10, 60_000, 10):
        if all(_is_free(first + offset) for offset in range(count)):
            return first
    raise CannotStartError("No free ports found; name one with --port.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            return False
    with socket.socket() as probe:  # bound but not listening, or still closing: a server could not start there either
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def say(line: str) -> None:
    """Progress, on standard error, so that --json stays clean."""
    print(line, file=sys.stderr, flush=True)


def _tell(house: House) -> tuple[Happenings, list[Verdict], list[Arrived]]:
    os.environ.update(house.env)
    import django

    django.setup()
    from worker import clock
    from worker.sandbox import player, story, verdict
    from worker.sandbox.provider.client import Sandbox

    sandbox = Sandbox(house.plan.phones_url)
    people = story.settle(now=clock.now())
    say(f"enrolled {', '.join(people)}")
    happenings = story.Happenings(sandbox=sandbox, began=clock.now(), said=lambda line: say(f"    {line}"))
    player.wait_quiet(sandbox)

    def on_step(moment: datetime) -> None:
        say(f"  {moment:%a %-d %b %H:%M} UTC")
        happenings.after(moment)

    player.play(
        sandbox,
        until=happenings.began + LENGTH,
        coming=happenings.next_moment,
        on_step=on_step,
        ignore_due=lambda: happenings.down,
    )
    log = sandbox.log("create", "mail", "answer")
    return happenings, verdict.verdicts(log, happenings), verdict.arrived(log)


def _print(story: Happenings, verdicts: list[Verdict], seen: list[Arrived], seconds: float, *, as_json: bool) -> None:
    tables = phones(seen)
    if as_json:
        said: dict[str, Any] = {
            "held": all(each.held for each in verdicts),
            "seconds": round(seconds, 1),
            "promises": {
                each.promise: {"held": each.held, "says": each.says, "cases": each.cases, "faults": each.faults}
                for each in verdicts
            },
            "clients": tables,
        }
        print(json.dumps(said, indent=2, ensure_ascii=False))
        return
    for name, rows in tables.items():
        print(f"\n{name}")
        for row in rows or [{"at": "", "channel": "nothing", "step": ""}]:
            print(f"  {row['at']:22} {row['channel']:7} {row['step']}")
    print()
    for each in verdicts:
        mark = "held  " if each.held else "BROKEN"
        print(f"  {each.promise}  {mark}  {each.says} ({each.cases} cases)")
        for fault in each.faults[:5]:
            print(f"        {fault}")
    print(f"\n{len(seen)} messages and {len(story.done)} happenings in six weeks of calendar, {seconds:.0f} s of yours")


def phones(seen: list[Arrived]) -> dict[str, list[dict[str, str]]]:
    """What each client got, by name, on her own clock; also for those who got nothing."""
    from zoneinfo import ZoneInfo

    from worker import sealed
    from worker.models import Client

    names = {
        client.pk: sealed.unseal(client.name_sealed, "client.name")
        for client in Client.objects.order_by("pk")
        if client.name_sealed
    }
    tables: dict[str, list[dict[str, str]]] = {name: [] for name in names.values()}
    for each in seen:
        message = each.attempt.message
        if message.client_id is None:
            continue
        wall = each.at.astimezone(ZoneInfo(message.zone))
        tables[names[message.client_id]].append(
            {"at": f"{wall:%a %-d %b %H:%M %Z}", "channel": message.channel, "step": message.step.code}
        )
    return tables
