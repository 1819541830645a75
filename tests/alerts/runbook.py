"""The runbook's commands, taken from its text as an operator would type them, and carried out at a running house."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

import psycopg
import yaml

from tests.processes.commands import COMMAND, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.processes.houses import RunningHouse

RUNBOOK = ROOT / "docs" / "runbook.md"
COMPOSE = ROOT / "docker-compose.yml"
MAY_FIND = {"doctor", "verify"}  # exit 1 when something is wrong, which just then it is
STAYS = {"worker", "status --watch"}  # they go on until somebody ends them: seen to begin
BEGINS = 8.0  # seconds in which such a command would have ended if it could not begin
OF_THE_HOST = {"timedatectl", "chronyc"}


def entries() -> dict[str, str]:
    """What each alert's entry says."""
    found = re.findall(
        r"^## (\w+)\n(.*?)(?=^## |^# |\Z)", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return dict(found)


def commands(entry: str) -> list[str]:
    """Everything in it that is to be typed, in its order."""
    told = [" ".join(each.split()) for each in re.findall(r"`([^`]+)`", entry.partition("**Do**")[2])]
    begins = ("aftercare ", "docker ", "SELECT ", "VACUUM ", *OF_THE_HOST)
    return [each for each in told if each.startswith(begins)]


def walk(alert: str, house: RunningHouse, *, url: str, means: Mapping[str, str]) -> list[str]:
    """Type every command of an alert's entry; what was done with each.

    `means` says what stands for words in capitals (ID, IDENTITY). Raises AssertionError with what a command answered.
    """
    done = []
    for command in commands(entries()[alert]):
        for name, value in means.items():
            command = re.sub(rf"\b{name}\b", value, command)  # noqa: PLW2901
        done.append(f"{command}: {_typed(command, house, url)}")
    return done


def _typed(command: str, house: RunningHouse, url: str) -> str:
    words = shlex.split(command)
    if words[0] == "aftercare":
        return _ours(words[1:], house)
    if words[0] == "docker":
        return _compose(words)
    if words[0] in OF_THE_HOST:
        return "the host's own, not typed"
    with psycopg.connect(url, autocommit=True) as line:
        line.execute(command.encode())
    return "done"


def _ours(words: list[str], house: RunningHouse) -> str:
    if any(" ".join(words).startswith(each) for each in STAYS):
        return _begins(words, house)
    said = house.desk.ask("cli", *words)
    assert said["code"] == 0 or (said["code"] == 1 and words[0] in MAY_FIND), (words, said)
    if words[0] == "pause":  # tried, and taken back as status says it can be
        scope = words[1 : words.index("--why")]
        again = house.desk.ask("cli", "resume", *scope)
        assert again["code"] == 0, again
    return f"exit {said['code']}"


def _begins(words: list[str], house: RunningHouse) -> str:
    import os

    process = subprocess.Popen(
        [*COMMAND, *words], cwd=ROOT, env={**os.environ, **house.env, "WORKER_METRICS": ""},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        _, told = process.communicate(timeout=BEGINS)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.communicate(timeout=30)
        return "began, and was ended"
    raise AssertionError(f"{words} ended with {process.returncode}: {told.decode()}")


def _compose(words: list[str]) -> str:
    """No Docker runs here: its services are those of the compose file, and its verbs are Docker's."""
    services = _services()
    assert words[1] == "compose", words
    assert words[2] in {"ps", "logs", "restart", "up", "exec"}, words
    named = [each for each in words[3:] if not each.startswith("-")]
    named = named[:1] if words[2] == "exec" else named
    assert set(named) <= services, (words, services)
    return "named right (no Docker here)"


@cache
def _services() -> set[str]:
    return set(yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"])


if __name__ == "__main__":
    for name, text in entries().items():
        print(name, *commands(text), sep="\n    ", file=sys.stdout)
