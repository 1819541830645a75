"""Every page of the desk passes axe's rules for WCAG 2.2 AA, fits its window, and loads nothing from elsewhere."""

from __future__ import annotations

import functools
from importlib import resources

import pytest

from tests.browser import story

WIDTHS = (320, 1280)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


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


def look(page, url: str) -> None:
    """One page: no fault, nothing wider than the window, nothing refused by the policy."""
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if said.type == "error" else None)
    answer = page.goto(url)
    assert answer is not None
    assert answer.status == 200, (url, answer.status)
    assert faults(page) == [], url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{url} is wider than its window"
    assert refused == [], url


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_can_be_used_by_everybody(open_page, told, width, dark):
    """WCAG 2.2 AA at 320 and 1280 pixels, light and dark (issue 6, point 8)."""
    for who, pages in story.pages(told).items():
        page = open_page(who, width=width, dark=dark)
        for address in pages.values():
            look(page, address)
