"""What has happened at the desk before anybody looks: a course half over, a STOP, a reply that needs a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.browser import signed

if TYPE_CHECKING:
    from tests.browser.conftest import Site


@dataclass(frozen=True)
class Told:
    """Whom the pages are about."""

    alice: int


def tell(site: Site) -> Told:
    """Enrol the people of the story."""
    alice = site.house.enrol(name="Alice Moreau")
    return Told(alice=alice.id)


def pages(told: Told) -> dict[str | None, dict[str, str]]:
    """Every page by its name, and who looks at it; None is a stranger. Whoever adds a page adds a line."""
    return {
        None: {"start": "/", "sign-in": "/login", "forgotten": "/account/password/forgotten"},
        signed.SAM: {"today": "/today", "security": "/account/security"},
        signed.OWNER: {"people": "/people", "operations": "/operations"},
    }
