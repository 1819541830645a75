"""Every page of the desk passes axe's rules for WCAG 2.2 AA, fits its window, and loads nothing from elsewhere."""

from __future__ import annotations

import functools
import re
from importlib import resources

from django.urls import resolve

from tests.browser import signed, story
from worker.web import urls

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (320, 1280)
NO_PAGES = {  # what is downloaded, answers a script or a machine, or sends on to one of the pages below
    "mfa_download_recovery_codes", "imports_refused", "own_enrolment_done", "set_language", "sign_out_everywhere",
    "enrol_preview", "enrol_self", "enrol_self_wait", "protocols_preview", "imports_look", "today_task_done",
    "inbox_act", "operations_resume", "account_set_password", "mfa_login_webauthn", "mfa_reauthenticate_webauthn",
    # looked at elsewhere: the step between password and desk below, those of a passkey with a real one
    "mfa_authenticate", "mfa_edit_webauthn", "mfa_remove_webauthn",
}  # fmt: skip
MACHINES = re.compile(r"hooks/|api/|healthz|readyz|metrics|favicon|.*\.ics|c/.*/answers")
DRAWN_ANEW = re.compile(r'nonce="[^"]*"|name="csrfmiddlewaretoken" value="[^"]*"')


@functools.cache
def axe() -> str:
    """axe-core (Mozilla Public License 2.0), as the package carries it."""
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def faults(page, *, colours: bool = False) -> list[str]:
    """What axe has against the page, in a line each; with `colours` its contrasts alone."""
    only = {"type": "rule", "values": ["color-contrast"]} if colours else {"type": "tag", "values": RULES}
    found = page.evaluate("only => axe.run(document, {runOnly: only, resultTypes: ['violations']})", only)
    return [
        f"{each['id']} ({each['impact']}): {node['target']} {node['failureSummary'][:300]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def look(page) -> list[str]:
    """What is wrong with the page that is open, at both widths, and in the dark.

    No colour of ours depends on the width, so the dark ones are looked at once; a contrast is the dearest rule.
    """
    found = []
    page.evaluate(axe())
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"{width} light: {each}" for each in faults(page)]
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found += [f"{width}: wider than its window by {wide}"] if wide > 0 else []
    page.emulate_media(color_scheme="dark")
    return found + [f"dark: {each}" for each in faults(page, colours=True)]


def visit(page, url: str) -> list[str]:
    """Open a page in a narrow light window; a line when it does not come."""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    answer = page.goto(url)
    assert answer is not None
    return [f"status {answer.status}"] if answer.status != 200 else []


def as_it_stands(page) -> str:
    """The page's elements and words after all scripts; what is drawn anew for each visit is left out."""
    return DRAWN_ANEW.sub("", page.content())


def test_every_page_can_be_used_by_everybody(open_page, told):
    """WCAG 2.2 AA at 320 and 1280 pixels, light and dark, with scripts and without (issue 6, point 8).

    A page that our scripts leave as it came is the same page without them, and is not looked at twice.
    """
    found: list[str] = []
    changed = 0
    for who, pages in story.pages(told).items():
        page, bare = open_page(who), open_page(who)
        page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
        # axe itself is a script and needs the browser's: only ours are kept away
        bare.route("**/static/**/*.js", lambda route: route.abort())
        for url in pages.values():
            said = [*visit(page, url), *visit(bare, url)]
            differs = as_it_stands(page) != as_it_stands(bare)
            changed += differs
            said += [*look(page), *(f"no scripts, {each}" for each in (look(bare) if differs else ()))]
            found.extend(f"{url}: {each}" for each in said)
    assert found == []
    assert changed, "no page differs without scripts: were they kept away?"


def test_no_page_is_forgotten(told):
    """Every address that shows a page is among those that are looked at (issue 6, point 8)."""
    seen = {resolve(url.partition("?")[0]).route for pages in story.pages(told).values() for url in pages.values()}
    there = {
        str(each.pattern) for each in urls.urlpatterns
        if each.name not in NO_PAGES and not MACHINES.match(str(each.pattern))
    }  # fmt: skip
    assert there - seen == set()


def test_the_step_between_password_and_desk(open_page, told):
    """Whoever has a second factor is asked for it on a page that everybody can use (P10, issue 6, point 8)."""
    page = open_page(None)
    page.goto("/login")
    page.get_by_label("Email").fill(signed.TILDA)
    page.get_by_label("Password", exact=True).fill(signed.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/account/code**")
    assert page.locator("#id_code").is_visible()
    assert look(page) == []
