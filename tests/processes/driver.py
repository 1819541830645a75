"""The desk that stays open: Django against a house's own database, in a process of its own.

    python -m tests.processes.driver step-next | step-to ISO | quiet | now | counts | crowd N | cli VERB ...

does one thing; without arguments it takes one JSON list of words a line and answers each with one JSON line. The verbs
are the real command's `main`; only its start-up, a second of imports, is paid once instead of each time.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import traceback
from datetime import datetime
from typing import TYPE_CHECKING, Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.apps import apps  # noqa: E402 - Django first
from django.conf import settings  # noqa: E402
from django.db import transaction  # noqa: E402

from tests.processes import people  # noqa: E402
from worker import clock  # noqa: E402
from worker.actions.clients.enrol import enrol  # noqa: E402
from worker.intake.client import ClientFile  # noqa: E402
from worker.intake.shape import checked  # noqa: E402
from worker.management.cli import main  # noqa: E402
from worker.models import Message  # noqa: E402
from worker.rules.states import State  # noqa: E402
from worker.sandbox import player  # noqa: E402
from worker.sandbox.provider.client import Sandbox  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60.0  # seconds of machine time: far more than a step can need, and never what a test waits for


def cli(*arguments: str) -> dict[str, Any]:
    """One verb of the command, with all that it printed."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as usage:  # argparse's own refusal
            code = int(usage.code or 0)
    return {"code": code, "out": out.getvalue(), "err": err.getvalue()}


def step_to(moment: str, down: str = "") -> bool:
    """Step the calendar and wait until all is quiet; with `down`, what is due may go on waiting."""
    with contextlib.suppress(ValueError):  # it has come by itself meanwhile
        clock.step_to(datetime.fromisoformat(moment))
    return quiet(down)


def step_next(down: str = "") -> bool:
    """Step to the next moment at which anything happens."""
    moment = player.next_moment(clock.now())
    return moment is not None and step_to(moment.isoformat(), down)


def quiet(down: str = "") -> bool:
    """True once nothing is due or in flight; a call that a busy machine began too late is seen through, too."""
    while player.wait_quiet(Sandbox(settings.SANDBOX_URL), ignore_due=bool(down), patience=PATIENCE):
        soon = Message.objects.filter(state=State.PLANNED, reason="not_started").order_by("due_at").first()
        if down or soon is None:
            return True
        clock.step_to(max(soon.due_at, clock.now()))
    return False


def now() -> str:
    """The calendar's now."""
    return clock.now().isoformat()


def counts() -> dict[str, int]:
    """How many rows every table of ours holds."""
    return {model.__name__: model.objects.count() for model in apps.get_app_config("aftercare").get_models()}


@transaction.atomic
def crowd(size: str) -> dict[str, str]:
    """Enrol a crowd by the front door, in one go; phone of each, by client id."""
    made = {}
    for number in range(100, 100 + int(size)):
        form = people.form(clock.now(), number=number, external_id=f"crowd-{number}", agrees=people.SMS_CARE)
        made[str(enrol(checked(ClientFile, form), now=clock.now()).client.pk)] = form["phone"]
    return made


DEEDS: dict[str, Callable[..., Any]] = {
    "cli": cli, "step-to": step_to, "step-next": step_next, "quiet": quiet, "now": now, "counts": counts,
    "crowd": crowd,
}  # fmt: skip


def serve() -> None:
    """Answer line by line; a deed that breaks is told, and the desk stays open."""
    for line in sys.stdin:
        name, *words = json.loads(line)
        try:
            said = {"is": DEEDS[name](*words)}
        except Exception:  # its whole story belongs to the test that asked
            said = {"broke": traceback.format_exc()}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(DEEDS[sys.argv[1]](*sys.argv[2:])))
    else:
        serve()
