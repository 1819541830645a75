"""A real house, a real Chromium, and axe: what every test of the pages stands on.

One house (`site`), one browser (`chromium`), and a page for each test (`open_page`). Debian's
Chromium is enough; where none is found the tests are skipped, and the run says so loudly.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser import signed, story
from tests.processes.commands import ROOT
from tests.processes.houses import RunningHouse, open_house

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
PATIENCE = 15_000  # milliseconds; a machine may be busy, and no test decides by time
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Without a Chromium every test here is skipped, and the summary says why."""
    why = pytest.mark.skip(reason="NO CHROMIUM HERE: the pages were not tried (apt-get install chromium)")
    for item in items:
        if HERE in Path(item.path).parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.processes)
            item.add_marker(pytest.mark.xdist_group("browser"))  # one house and one Chromium a run
            if not CHROMIUM:
                item.add_marker(why)


@dataclass(frozen=True)
class Site:
    """A house that is open, with its desk's address."""

    house: RunningHouse
    url: str

    def run(self, module: str, *arguments: str) -> str:
        """A module in a process of its own, inside this house."""
        env = {**os.environ, **self.house.env}
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="package")
def site(tmp_path_factory) -> Iterator[Site]:
    """Lakeside and Hillside, their people with a password, and Alice in the middle of her course."""
    with open_house(tmp_path_factory.mktemp("site")) as house:
        site = Site(house, house.house.plan.web_url)
        house.morning()
        site.run("tests.browser.seed")
        yield site


@pytest.fixture(scope="package")
def told(site) -> story.Told:
    """Whom the pages are about."""
    return story.tell(site)


@pytest.fixture(scope="package")
def chromium():
    """One browser for all tests of this folder; gone with its last one, for its loop would stop every other's."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop runs in this thread, and Django would refuse
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


Opener = Callable[..., Any]


@pytest.fixture(scope="package")
def cookies(chromium, site) -> Callable[[str], Any]:
    """The cookies of a person who signed in by the form, once a run."""
    known: dict[str, Any] = {}

    def of(email: str) -> Any:
        if email not in known:
            context = chromium.new_context(base_url=site.url)
            page = context.new_page()
            sign_in(page, email)
            known[email] = context.storage_state()
            context.close()
        return known[email]

    return of


def sign_in(page: Any, email: str, password: str = signed.PASSWORD) -> None:
    """By the form, as a person does."""
    page.goto("/login")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_load_state()
    for _ in range(2):  # again when the app showed its next code before this one had arrived
        if "/account/code" in page.url:
            page.locator("#id_code").fill(now_shown())
            page.get_by_role("button", name="Sign In", exact=True).click()
            page.wait_for_load_state()
    assert page.url.endswith("/today"), page.locator("main").inner_text()


def now_shown() -> str:
    """The six digits that Tilda's app shows."""
    from allauth.mfa.totp.internal import auth as totp

    return totp.format_hotp_value(totp.hotp_value(signed.APP, next(iter(totp.yield_hotp_counters_from_time()))))


@pytest.fixture
def open_page(chromium, site, cookies) -> Iterator[Opener]:
    """A page for one person (None: a stranger), of any width, colour scheme and language, with or without scripts."""
    opened = []

    def open_one(
        who: str | None = signed.SAM,
        *,
        width: int = 1280,
        dark: bool = False,
        scripts: bool = True,
        language: str = "en",
    ) -> Any:
        context = chromium.new_context(
            base_url=site.url, viewport={"width": width, "height": 900}, java_script_enabled=scripts,
            color_scheme="dark" if dark else "light", locale=language, storage_state=cookies(who) if who else None,
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        opened.append(context)
        return context.new_page()

    yield open_one
    for context in opened:
        context.close()
