"""Enrolment forms as Sam types them at Lakeside; no Django here."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

DEMO = Path(__file__).resolve().parents[2] / "templates" / "demo"
PROTOCOL = "microneedling-stretch-marks"
OKAFOR, SAM = "okafor@lakeside.example", "sam@lakeside.example"
SMS_CARE = (("sms", "aftercare"),)
SMS = (*SMS_CARE, ("sms", "reminders"))
MAIL = (("email", "aftercare"), ("email", "reminders"))
AREAS = (212, 213, 214, 215, 216, 303, 305, 312, 313, 314, 404, 412, 415, 502, 503, 504, 505, 512, 513, 602, 612, 617)


def phone(number: int) -> str:
    """A number that is set aside for fiction, a hundred in each area code; number 0 is Lakeside's own."""
    return f"+1{AREAS[number // 100]}55501{number % 100:02}"


def form(
    now: datetime,
    *,
    number: int,
    agrees: Iterable[tuple[str, str]] = SMS,
    refuses: Iterable[tuple[str, str]] = (),
    treated: timedelta | None = timedelta(minutes=25),
    session: timedelta | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """The form of client `number`, treated `treated` before `now`; `changes` replace fields, None takes one out."""
    raw: dict[str, Any] = json.loads((DEMO / "client.json").read_text(encoding="utf-8"))
    raw |= {"external_id": f"client-{number}", "phone": phone(number), "email": f"client{number}@example.com"}
    given = (now - timedelta(hours=1)).isoformat()
    raw["consents"] = [
        {"channel": channel, "purpose": purpose, "affirmed": yes, "method": "paper", "given_at": given,
         "wording": "service@1"}
        for yes, pairs in ((True, agrees), (False, refuses))
        for channel, purpose in pairs
    ]  # fmt: skip
    raw["treatment"] = treated and raw["treatment"] | {
        "external_id": f"treatment-{number}", "performed_at": (now - treated).isoformat(),
    }  # fmt: skip
    raw["appointment"] = session and {"external_id": f"visit-{number}", "starts_at": (now + session).isoformat()}
    if session and not treated:
        raw["appointment"]["protocol"] = PROTOCOL
    return {name: value for name, value in (raw | changes).items() if value is not None}
