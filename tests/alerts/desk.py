"""The desk in the play's own process, which knows Django anyway: a driver more would be two seconds of imports.

Each deed and its answer are those of `tests.processes.driver`; what they log goes where `settled` says.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any

import django

from tests.processes import people
from tests.processes.houses import Desk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class OwnDesk(Desk):
    """Open as soon as `settled` has made this process Django's."""

    def __init__(self) -> None:
        """Nothing is started."""

    def ask(self, *words: str) -> Any:
        """One deed and its answer, which is plain data as from another process."""
        from tests.processes.driver import DEEDS

        name, *rest = words
        return json.loads(json.dumps(DEEDS[name](*rest)))

    def close(self) -> None:
        """Hang up: the next deed finds the database by a new line."""
        from django.db import connections

        connections.close_all()


def settled(env: Mapping[str, str], log: Path) -> OwnDesk:
    """Be Django's process for this house, make its tables, load Lakeside, and let Dr Okafor approve."""
    os.environ.update(env)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    with contextlib.redirect_stderr(log.open("a", encoding="utf-8", buffering=1)):  # kept by the logging handler
        django.setup()
    desk = OwnDesk()
    desk.cli("migrate", "--quiet")
    desk.cli("load", people.DEMO / "lakeside.toml")
    desk.cli("approve", people.PROTOCOL, "--by", people.OKAFOR)
    return desk
