"""No text of ours asks for CANCEL: by law that word ends all texts, whatever was meant (rule 28)."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.rules.lint import lint_cancel

ROOT = Path(__file__).parents[2]
SHIPPED = [ROOT / "worker/web/phrases.py", *(ROOT / "templates").glob("*.toml")]
for _folder in ("messages", "pages", "demo"):
    SHIPPED += [
        path for path in (ROOT / "templates" / _folder).glob("**/*.*") if path.suffix in {".txt", ".html", ".toml"}
    ]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_no_shipped_text_asks_for_cancel(path):
    """Every language, every channel, the pages and the consent wordings."""
    assert lint_cancel(path.read_text(encoding="utf-8"), path.name) == ()


@pytest.mark.parametrize(
    "text", ["Reply CANCEL to cancel", "text cancel if you can't come", "Responda CANCELAR si no puede venir"]
)
def test_a_text_that_does_is_found(text):
    """The look-out itself is tried."""
    assert [finding.rule for finding in lint_cancel(text, "here")] == [28]
