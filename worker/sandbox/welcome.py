"""What `aftercare up` says once all is ready, and the weeks that pass in front of a newcomer's eyes."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from worker.sandbox.house import answers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from worker.sandbox.house import House
    from worker.sandbox.parts import Supervisor

WHAT = {
    "redis": "carries hints between beat and worker; may be emptied",
    "provider": "stands in for Twilio and the mail servers",
    "web": "webhooks, unsubscribe, care pages, health",
    "worker": "decides and sends",
    "beat": "says look now, every second",
}
DEMO_PASSWORD = "calm skin 2027"  # noqa: S105 - printed for everybody to read; the demo holds nobody's data
PARTS_WAIT = 60.0
GLANCE = 5.0  # seconds a person gets to look at the phones before the calendar goes on


def welcome(supervisor: Supervisor, house: House, *, demo: bool) -> None:
    """Wait for the parts, print the addresses, and play the demo's calendar until somebody stops it."""
    if not _all_ready(supervisor, house):
        return
    print("\n".join(screen(house, supervisor.pids())), flush=True)
    if demo:
        _play(house)


def screen(house: House, pids: Mapping[str, int]) -> list[str]:
    """One screen: where to look, which parts run, where they write."""
    plan = house.plan
    lines = ["", f"Aftercare is up: {plan.web_url}"]
    if house.sandboxed:
        lines.append(f"  the phones    {plan.phones_url}   what every client gets; reply there, STOP included")
    lines.append(f"  metrics       {plan.web_url}/metrics, and the worker's: http://{house.worker_metrics}/metrics")
    lines.append("")
    lines += [f"  {name:13} {WHAT.get(name, ''):58} pid {pid}" for name, pid in pids.items()]
    lines += ["", f"  database      {house.database}", f"  logs          {plan.home / 'log'}"]
    return [*lines, "  Ctrl-C ends everything", ""]


def _all_ready(supervisor: Supervisor, house: House) -> bool:
    end = time.monotonic() + PARTS_WAIT
    expected = len(house.parts)
    while time.monotonic() < end:
        if len(supervisor.pids()) == expected and answers(f"{house.plan.web_url}/readyz"):
            return True
        time.sleep(0.1)
    return False


def _play(house: House) -> None:
    os.environ.update(house.env)
    import django

    django.setup()
    from worker import clock
    from worker.sandbox import player, story
    from worker.sandbox.provider.client import Sandbox

    sandbox = Sandbox(house.plan.phones_url)
    print("Two clinics are set up, their practitioners approve, five clients are treated ...", flush=True)
    people = story.settle(now=clock.now())
    print("\n".join(sign_ins(house)), flush=True)
    print(
        f"Enrolled: {', '.join(people)}. The calendar now goes from one message to the next; look at the phones.\n",
        flush=True,
    )
    while True:
        player.wait_quiet(sandbox)
        time.sleep(GLANCE)
        moment = player.next_moment(clock.now())
        if moment is None:
            print("The course is over; nothing more is due.", flush=True)
            return
        clock.step_to(moment)
        print(f"  it is now {_said(moment)}", flush=True)


def sign_ins(house: House) -> list[str]:
    """Let the demo's staff sign in, and say how: a pretend clinic with a password that everybody may know."""
    from worker.actions.staff import accounts
    from worker.models import Staff

    for person in Staff.objects.filter(is_active=True):
        accounts.set_password(email=person.email, password=DEMO_PASSWORD)
    return [
        f"Sign in at the desk: {house.plan.web_url}/login   password  {DEMO_PASSWORD}",
        "  sam@lakeside.example enrols, okafor@lakeside.example approves; lucia@hillside.example is another clinic's",
    ]


def _said(moment: datetime) -> str:
    from zoneinfo import ZoneInfo

    return f"{moment.astimezone(ZoneInfo('America/New_York')):%A %-d %B, %H:%M} in New York"
