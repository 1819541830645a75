"""aftercare enrol."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

    from worker.actions.clients.enrol import Enrolled

HELP = "enrol one client (JSON): client, consents, treatment, appointment"


def add(parser: argparse.ArgumentParser) -> None:
    """The file."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", type=Path, nargs="?", help="see docs/enrol.md for its fields")
    what.add_argument("--schema", action="store_true", help="print the file's JSON schema and do nothing")
    what.add_argument("--example", action="store_true", help="print a file to start from, treated half an hour ago")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Enrol, or refuse with every fault of the file."""
    from worker.management.cli import ready, show

    if options.schema:
        return _schema()
    if options.example:
        return _example()
    ready()
    from worker import clock, traces
    from worker.actions.clients.enrol import enrol
    from worker.intake.client import ClientFile
    from worker.intake.shape import checked, read_json
    from worker.reading.messages import listed

    traces.begin()
    done = enrol(checked(ClientFile, read_json(options.file)), now=clock.now())
    said = _said(done, listed(client_id=done.client.pk))
    show(said, as_json=options.json, lines=_lines(said))
    return 0


def _said(done: Enrolled, planned: list[dict[str, Any]]) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "client": done.client.pk,
        "treatment": done.client.treatments.values_list("pk", flat=True).first(),
        "appointment": done.client.appointments.values_list("pk", flat=True).first(),
        "repeated": done.repeated,
        "asked": done.asked,
        "messages": planned,
        "hand_over": [
            {"step": each.rule.code, "channel": each.channel, "until": each.outcome.expires_at.isoformat()}
            for each in done.result.hand_over
        ],
    }


def _lines(said: dict[str, Any]) -> list[str]:
    """The same for a reader."""
    became = "was enrolled before with this very file: no change" if said["repeated"] else "is enrolled"
    lines = [f"client {said['client']} {became}"]
    lines += [f"  {each['local']}  {each['channel']:5}  {each['step']}" for each in said["messages"]]
    lines += [
        f"  hand this over now: {each['step']} (no {each['channel']} can go before {each['until']})"
        for each in said["hand_over"]
    ]
    lines += [f"  {each}: everything waits for the client's own yes" for each in said["asked"]]
    if said["appointment"]:
        lines.append(f"  the next session is appointment {said['appointment']}")
    if not said["messages"]:
        lines.append("  nothing is planned: no consent, or nothing to plan for")
    return lines


def _schema() -> int:
    from worker.intake.client import ClientFile

    print(json.dumps(ClientFile.model_json_schema(), indent=2, ensure_ascii=False))
    return 0


def _example() -> int:
    """The shipped example with moments near now, so that it can be enrolled as it is."""
    import django

    django.setup()
    from django.conf import settings

    from worker import clock
    from worker.rules.local_time import local, zone

    form = json.loads((settings.TEMPLATES_DIR / "demo" / "client.json").read_text(encoding="utf-8"))
    treated = local(clock.now() - timedelta(minutes=30), zone(form["zone"])).replace(microsecond=0).isoformat()
    form["treatment"]["performed_at"] = treated
    for consent in form["consents"]:
        consent["given_at"] = treated
    print(json.dumps(form, indent=2, ensure_ascii=False))
    return 0
