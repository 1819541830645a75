"""Every page of the desk passes axe's rules for WCAG 2.2 AA, fits its window, and loads nothing from elsewhere."""

from __future__ import annotations

import functools
from importlib import resources

import pytest

from tests.browser import story

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = [(320, False, True), (320, True, True), (1280, False, True), (1280, True, True), (320, False, False),
         (1280, False, False)]  # fmt: skip


@functools.cache
def axe() -> str:
    """axe-core (Mozilla Public License 2.0), as the package carries it."""
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def faults(page) -> list[str]:
    """What axe has against the page, in a line each."""
    page.evaluate(axe())
    found = page.evaluate("rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES)
    return [
        f"{each['id']} ({each['impact']}): {node['target']} {node['failureSummary'][:300]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def look(page, url: str) -> list[str]:
    """What is wrong with one page: axe's faults, something wider than the window, something the policy refused."""
    refused: list[str] = []
    note = refused.append
    page.on("console", lambda said: note(said.text) if said.type == "error" else None)
    answer = page.goto(url)
    assert answer is not None
    found = [f"status {answer.status}"] if answer.status != 200 else faults(page)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    found += [f"wider than its window by {wide}"] if wide > 0 else []
    return [f"{url}: {each}" for each in (*found, *refused)]


@pytest.mark.parametrize(
    ("width", "dark", "scripts"),
    LOOKS,
    ids=[f"{width}-{'dark' if dark else 'light'}{'' if scripts else '-no-scripts'}" for width, dark, scripts in LOOKS],
)
def test_every_page_can_be_used_by_everybody(open_page, told, width, dark, scripts):
    """WCAG 2.2 AA at 320 and 1280 pixels, light and dark, with scripts and without (issue 6, point 8)."""
    found = []
    for who, pages in story.pages(told).items():
        page = open_page(who, width=width, dark=dark, scripts=scripts)
        for address in pages.values():
            found += look(page, address)
    assert found == []
