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
# Whether our scripts make it another page than the server sent: other elements or words, or a style that wants them.
CHANGED = r"""served => {
    const root = document.documentElement;
    const plain = tree => {
        tree.classList.remove("js");
        if (!tree.className) tree.removeAttribute("class");
        tree.querySelectorAll("[nonce]").forEach(each => each.removeAttribute("nonce"));  // the browser hides it
        return tree.outerHTML;
    };
    const parsed = new DOMParser().parseFromString(served, "text/html").documentElement;
    if (plain(root.cloneNode(true)) !== plain(parsed)) return true;
    const inside = rule => [rule, ...[...(rule.cssRules || [])].flatMap(inside)];
    const all = [...document.styleSheets].flatMap(sheet => [...sheet.cssRules].flatMap(inside));
    const wanting = all.map(rule => rule.selectorText).filter(each => /\.js(?![\w-])/.test(each || ""));
    const found = () => wanting.some(each => document.querySelector(each));
    const js = root.classList.contains("js"), either = js && (found() || (root.classList.remove("js"), found()));
    if (js) root.classList.add("js");
    return either;
}"""
CLASSES = "[...document.documentElement.classList]"
# What a contrast hangs on: who is seen, in which colours, and whether the letters count as large.
COLOURS = """() => [...document.querySelectorAll("*")].map(each => {
    const is = getComputedStyle(each), size = parseFloat(is.fontSize), bold = is.fontWeight >= 700;
    const seen = each.getClientRects().length > 0 && is.visibility;
    return [seen, is.color, is.backgroundColor, is.backgroundImage, is.opacity, size >= (bold ? 18.66 : 24)].join();
}).join("\\n")"""


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
    """What is wrong with the page that is open: narrow and light, wide and dark, each by all rules.

    A contrast is the dearest rule. Where no colour depends on the width, the light ones are those of the narrow page.
    """
    narrow, wide = WIDTHS
    page.evaluate(axe())
    found = [f"{narrow} light: {each}" for each in faults(page)] + too_wide(page, narrow)
    light = page.evaluate(COLOURS)
    page.set_viewport_size({"width": wide, "height": 900})
    found += too_wide(page, wide)
    if page.evaluate(COLOURS) != light:
        found += [f"{wide} light: {each}" for each in faults(page, colours=True)]
    page.emulate_media(color_scheme="dark")
    return found + [f"{wide} dark: {each}" for each in faults(page)]


def too_wide(page, width: int) -> list[str]:
    """A line when the page does not fit its window."""
    by = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [f"{width}: wider than its window by {by}"] if by > 0 else []


def come_to(page, url: str):
    """Open a page in a narrow light window; what the server answered."""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    answer = page.goto(url)
    assert answer is not None
    return answer


def visit(page, url: str) -> list[str]:
    """Open a page in a narrow light window; a line when it does not come."""
    answer = come_to(page, url)
    return [f"status {answer.status}"] if answer.status != 200 else []


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
            answer = come_to(page, url)
            said = [f"status {answer.status}"] if answer.status != 200 else []
            differs = page.evaluate(CHANGED, answer.text())
            said += look(page)
            if differs:
                changed += 1
                said += [f"no scripts, {each}" for each in (*visit(bare, url), *look(bare))]
                said += ["our scripts were not kept away"] if "js" in bare.evaluate(CLASSES) else []
            found.extend(f"{url}: {each}" for each in said)
    assert found == []
    assert changed, "no page differs without scripts: none was looked at so"


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
