"""What has happened before anybody looks: a course under way, a visit booked, a reply that needs a person."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.browser import signed

if TYPE_CHECKING:
    from tests.browser.conftest import Site

LINKS = ("plan", "care", "checkin", "leave", "yes", "invitation", "new-password")


@dataclass(frozen=True)
class Told:
    """Whom the pages are about, and the rows that they name."""

    alice: int
    phone: str
    visit: int
    session: int
    message: int
    own_form: str
    protocol: int
    version: int
    file: int
    fresh: int
    talk: int
    guest: int
    links: dict[str, str]  # by themselves they open a page: a client's care, her end of it, her yes; an invitation


def tell(site: Site) -> Told:
    """Enrol Alice, let her first texts arrive, and let her write something unclear."""
    house = site.house
    alice = house.enrol(name="Alice Moreau", session=timedelta(days=35))
    house.quiet()
    house.sandbox.reply(alice.phone, "is it normal that it still feels a little warm?")
    messages = house.messages(alice)
    begun = json.loads(site.run("tests.browser.begun", str(alice.id)))
    open_ones = house.cli("conversations", "--clinic", "lakeside", "--json").data
    (talk,) = [each["pk"] for each in open_ones if each["client"] == alice.id]
    return Told(
        alice.id, alice.phone, alice.said["appointment"], alice.said["treatment"], messages[0]["id"], begun["link"],
        begun["protocol"], begun["version"], begun["file"], begun["fresh"], talk, begun["guest"],
        {name: begun[name] for name in LINKS},
    )  # fmt: skip


def pages(told: Told) -> dict[str | None, dict[str, str]]:
    """Every page by its name, and who looks at it; None is a stranger. Whoever adds a page adds a line."""
    client, protocol = f"/clients/{told.alice}", f"/protocols/{told.protocol}"
    return {
        None: {
            "start": "/",
            "sign-in": "/login",
            "forgotten": "/account/password/forgotten",
            "forgotten-sent": "/account/password/forgotten/sent",
            "forgotten-done": "/account/password/forgotten/done",
            "inactive": "/inactive",
            "own-form": told.own_form,
            **told.links,
        },
        signed.SAM: {
            "today": "/today",
            "inbox": "/inbox",
            "on-call": "/on-call",
            "talk": f"/inbox/{told.talk}",
            "write": f"{client}/write",
            "enrol": "/enrol",
            "clients": "/clients",
            "client": client,
            "stop": f"{client}/stop",
            "pause": f"{client}/pause",
            "resume": f"{client}/resume",
            "clock": f"{client}/clock",
            "session": f"{client}/session",
            "erase": f"{client}/erase",
            "dossier": f"{client}/dossier",
            "move": f"/visits/{told.visit}/move",
            "visit": f"{client}/visit",
            "cancel": f"/visits/{told.visit}/end/cancelled",
            "reopen": f"/visits/{told.visit}/reopen",
            "session-time": f"/sessions/{told.session}/time",
            "session-void": f"/sessions/{told.session}/void",
            "session-stand": f"/sessions/{told.session}/stand",
            "why": f"/messages/{told.message}",
            "again": f"/messages/{told.message}/again",
            "protocols": "/protocols",
            "changes": f"{protocol}/changes",
            "import": "/imports",
            "import-columns": f"/imports/{told.fresh}/columns",
            "import-rows": f"/imports/{told.file}",
            "import-confirm": f"/imports/{told.file}/confirm",
            "import-drop": f"/imports/{told.file}/drop",
            "operations": "/operations",
            "security": "/account/security",
            "app": "/account/app/add",
            "passkeys": "/account/passkeys",
            "password": "/account/password",
            "passkey": "/account/passkeys/add",
            "sign-in-again": "/account/again",
            "sign-out": "/logout",
        },
        signed.TILDA: {
            "again-code": "/account/again/code",
            "codes": "/account/codes",
            "new-codes": "/account/codes/new",
            "no-app": "/account/app/remove",
        },
        signed.OKAFOR: {
            "protocol": protocol,
            "step": f"{protocol}/steps/day-3",
            "approve": f"{protocol}/approve",
            "recall": f"/versions/{told.version}/recall",
            "follow": f"{protocol}/follow",
            "withdraw": f"{protocol}/withdraw",
            "remove": f"{protocol}/steps/day-3/remove",
            "correction": f"{protocol}/correction",
        },
        signed.OWNER: {
            "people": "/people",
            "person": f"/people/{told.guest}",
            "access": f"/people/{told.guest}/access",
        },
    }
