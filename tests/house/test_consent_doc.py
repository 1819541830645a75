"""docs/consent.md says what is true: its commands run in their order; a tampered copy of what they leave is found."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes.commands import settings
from tests.processes.houses import Desk
from worker.rules.consent import Act

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "consent.md").read_text(encoding="utf-8")
SEALED = ("aftercare_consentevent", "aftercare_event", "aftercare_seal")
pytestmark = pytest.mark.processes


def commands() -> Iterator[str]:
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL):
        yield from (line for line in block.splitlines() if line.strip())


@contextlib.contextmanager
def desk(home: Path) -> Iterator[Desk]:
    """A checkout's command line on the house in `home`, which is started once for all lines."""
    opened = Desk(settings(AFTERCARE_HOME=str(home)), home / "desk.log", cwd=home)
    try:
        yield opened
    finally:
        opened.close()


def typed(line: str, at: Desk, home: Path) -> None:
    """One line of the paper, as typed in a checkout: it ends well."""
    program, *words = shlex.split(line)
    if program == "aftercare":
        at.cli(*words)
    else:
        assert program == "python"
        bare = [sys.executable, "-I", "-S", *words]
        done = subprocess.run(bare, cwd=home, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Alice's whole life, typed in as the paper says."""
    home = tmp_path_factory.mktemp("consent")
    for name in ("templates", "docs"):
        (home / name).symlink_to(ROOT / name)
    lines = list(commands())
    with desk(home) as opened:
        for line in lines:
            typed(line, opened, home)
    assert len(lines) >= 15
    return home


def test_a_cold_reader_can_follow_it(lived: Path) -> None:
    """P12: every command runs in its order; the printed page and both dossiers are there, and Alice is not."""
    assert "Alice Moreau" in (lived / "alice.json").read_text(encoding="utf-8")
    assert "+1 212 555 0155" in (lived / "alice.html").read_text(encoding="utf-8")
    assert "Moreau" not in (lived / "erased.json").read_text(encoding="utf-8")


def test_it_names_every_act() -> None:
    """Rule 2: no act of the ledger is left out of the table, and none is made up."""
    table = TEXT.partition("## All acts")[2]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == {act.value for act in Act}


def test_its_links_lead_somewhere() -> None:
    """P12."""
    assert [link for link in re.findall(r"\]\(([^)]+)\)", TEXT) if not (ROOT / "docs" / link).exists()] == []


TAMPERED = {
    "her no made a yes": (
        "UPDATE aftercare_consentevent SET act = 'restored' WHERE act = 'closed'", "consent row 4 was changed",
    ),
    "the newest rows cut off": (
        "DELETE FROM aftercare_seal WHERE number > 20", "lakeside: rows after seal 20 were removed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TAMPERED)
def test_a_tampered_copy_is_found_by_the_command(lived: Path, tmp_path: Path, case: str) -> None:
    """P8: exit 1 on a copy of the very file, its triggers dropped; what was done is named."""
    for name in ("keys.json", "heads.jsonl", "aftercare.sqlite3"):
        shutil.copy(lived / name, tmp_path / name)
    database = sqlite3.connect(tmp_path / "aftercare.sqlite3")
    for table in SEALED:
        for verb in ("u", "d", "r"):
            database.execute(f"DROP TRIGGER {table}_{verb}")
    change, named = TAMPERED[case]
    database.execute(change)
    database.commit()
    database.close()
    with desk(tmp_path) as opened:
        assert named in opened.cli("verify", code=1).out
