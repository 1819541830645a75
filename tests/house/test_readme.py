"""The README says what is true: its commands run, its files exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes.commands import settings
from tests.processes.houses import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> Iterator[str]:
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL):
        yield from (line for line in block.splitlines() if line.strip())


@pytest.mark.processes
def test_every_command_of_the_readme_runs_in_its_order(tmp_path: Path) -> None:
    """A newcomer who types the README's commands in their order meets no error; the desk is started once for all."""
    (tmp_path / "templates").symlink_to(ROOT / "templates")
    lines = list(commands())
    desk = Desk(settings(AFTERCARE_HOME=str(tmp_path)), tmp_path / "desk.log", cwd=tmp_path)
    try:
        for line in lines:
            command, _, file = line.partition(" > ")
            program, *words = shlex.split(command)
            assert program == "aftercare"
            said = desk.cli(*words)
            if file:
                (tmp_path / file).write_text(said.out, encoding="utf-8")
    finally:
        desk.close()
    assert len(lines) >= 10


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    """make run and make test, and every other target the README names, exist."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", README))
    assert {"run", "test", "demo", "install", "secrets"} <= named
    assert named <= targets


def test_every_link_of_the_readme_leads_somewhere() -> None:
    """No link to a file that is not there."""
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("http")]
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize(
    ("file", "verb"), [("enrol", ("enrol", "--schema")), ("appointment", ("appointments", "schema"))]
)
def test_the_schemas_in_the_docs_are_those_that_are_checked(file: str, verb: tuple[str, ...]) -> None:
    """docs/enrol.schema.json is what `aftercare enrol --schema` prints, and so on (P12)."""
    done = subprocess.run(
        [sys.executable, "-m", "worker.management.cli", *verb],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == (ROOT / f"docs/{file}.schema.json").read_text(encoding="utf-8")
