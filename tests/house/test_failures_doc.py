"""docs/failures.md names tests that are there, and every row of it has one or says that there is none."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = [line for line in (ROOT / "docs" / "failures.md").read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
CASES = [line for line in ROWS if not line.startswith(("| what fails", "| ---"))]


def test_every_named_test_is_there():
    """A row whose test was renamed or removed promises what nobody tries."""
    there = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = {name for line in CASES for name in re.findall(r"`(test_[a-z0-9_]+)`", line)}
    assert len(named) > 20
    assert sorted(name for name in named if f"def {name}(" not in there) == []
    paths = {path for line in CASES for path in re.findall(r"`(tests/[a-z_/]+\.py)`", line)}
    assert sorted(path for path in paths if not (ROOT / path).is_file()) == []


def test_every_row_is_whole():
    """What happens, what the client sees, what the operator sees, and who tried it."""
    for line in CASES:
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        assert len(cells) == 5, line
        assert all(cells), line
        assert "test" in cells[4] or cells[4].startswith("none"), line
