"""Write a picture of each page, light and dark, at 1280 and 320 pixels: `make screenshots`, into var/screenshots.

And one of `aftercare status --watch`, as a terminal of its own showed it.

    python -m tests.browser.pictures FOLDER [--only today,enrol] [--looks ,-dark,-phone,-phone-dark]

Those that the README and docs/ show are taken from there by hand, after somebody looked at them.
"""

from __future__ import annotations

import argparse
import html
import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.browser import story
from tests.browser.conftest import CHROMIUM, Site, sign_in

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
import django

django.setup()

from tests.processes.houses import open_house  # noqa: E402
from worker.management.verbs.status import CLEAR  # noqa: E402

TERMINAL = "status-watch"
ENOUGH = 3  # looks, the last of which may be half written
SHOWN = (
    "<pre style='display:inline-block;margin:0;padding:24px 28px;background:#12161c;color:#dfe6ee;"
    "font:15px/1.5 DejaVu Sans Mono,monospace'>{}</pre>"
)
LOOKS = {"": (1280, False), "-dark": (1280, True), "-phone": (320, False), "-phone-dark": (320, True)}


def main() -> None:
    """Start a house, sign in, and photograph."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--looks", default=",".join(LOOKS))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as home, open_house(Path(home)) as house, sync_playwright() as playwright:
        site = Site(house, house.house.plan.web_url)
        house.morning()
        site.run("tests.browser.seed")
        told = story.tell(site)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for look in options.looks.split(","):
            _photograph(browser, site, told, look, options)
        if not options.only or TERMINAL in options.only:
            _photograph_terminal(browser, site, options)
        browser.close()


def _photograph(browser: Any, site: Site, told: story.Told, look: str, options: argparse.Namespace) -> None:
    width, dark = LOOKS[look]
    wanted = [each for each in options.only.split(",") if each]
    for who, all_hers in story.pages(told).items():
        pages = {name: url for name, url in all_hers.items() if not wanted or name in wanted}
        if not pages:  # a code of an app signs in once: whoever is not needed is left alone
            continue
        context = browser.new_context(
            base_url=site.url, viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light"
        )
        page = context.new_page()
        if who:
            sign_in(page, who)
        for name, url in pages.items():
            page.goto(url)
            # What lies below the window is not painted in frames of their own: make the window as high as the page.
            page.set_viewport_size({"width": width, "height": page.evaluate("document.documentElement.scrollHeight")})
            page.screenshot(path=options.folder / f"{name}{look}.png", full_page=True)
            page.set_viewport_size({"width": width, "height": 800})
            print(options.folder / f"{name}{look}.png")
        context.close()


def _photograph_terminal(browser: Any, site: Site, options: argparse.Namespace) -> None:
    """The second look of `aftercare status --watch`, byte for byte what it wrote to a terminal."""
    there, here = pty.openpty()
    command = [sys.executable, "-m", "worker.management.cli", "status", "--watch", "1"]
    with subprocess.Popen(command, stdout=here, stderr=here, env={**os.environ, **site.house.env}) as watching:
        os.close(here)
        seen = ""
        while seen.count(CLEAR) < ENOUGH:
            seen += os.read(there, 65536).decode()
        watching.terminate()
    os.close(there)
    page = browser.new_page()
    page.set_content(SHOWN.format(html.escape(seen.split(CLEAR)[-2].replace("\r", "").rstrip())))
    page.locator("pre").screenshot(path=options.folder / f"{TERMINAL}.png")
    print(options.folder / f"{TERMINAL}.png")


if __name__ == "__main__":
    main()
