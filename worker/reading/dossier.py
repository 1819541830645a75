"""A dossier as a page to read and print: one file without anything from elsewhere, made from the JSON alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string

ACTS = {
    "given": "said yes",
    "asked": "was asked to confirm",
    "confirmed": "confirmed the yes",
    "revoked": "said stop",
    "restored": "undid the stop",
    "expired": "nobody answered the question",
    "stale": "the yes had grown old",
    "closed": "the consent was closed",
}
SHORT = 16  # digits of a hash: enough to compare by eye; the whole is in the JSON


def page(said: dict[str, Any]) -> str:
    """The HTML of a dossier; every moment in the client's own zone, named beside it."""
    wordings = {each["wording"]["id"]: each["wording"] for each in said["consents"] if each["wording"]}
    zone = ZoneInfo(said["client"]["zone"])
    return render_to_string(
        "dossier.html",
        {
            **said,
            "zone": zone.key,
            "made": _day(said["made_at"], zone),
            "enrolled": _day(said["client"]["enrolled_at"], zone),
            "erased": _day(said["client"]["erased_at"], zone),
            "addresses": [
                {**each, "since": _day(each["from"], zone), "until": _day(each["to"], zone)}
                for each in said["addresses"]
            ],
            "standing": [_standing(each, zone) for each in said["standing"]],
            "acts": [_act(each, said["staff"]) for each in said["consents"]],
            "wordings": [wordings[each] for each in sorted(wordings)],
            "suppressions": [
                {**each, "began": _day(each["since"], zone), "ended": _day(each["lifted_at"], zone)}
                for each in said["suppressions"]
            ],
            "sent": [_message(each, zone) for each in said["messages"]],
            "approvals": _approvals(said, zone),
            "last": said["chain"][-1]["head"],
            "rows": len(said["consents"]) + len(said["record"]),
        },
    )


def _standing(each: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    stopped, held = each["stopped_at"], each["held_at"]
    why = each["consent"]
    if stopped:
        why = f"stopped on {_day(stopped, zone)} ({each['stopped_why']})"
    elif held:
        why = f"on hold since {_day(held, zone)}: a person has to look first"
    elif each["since"]:
        why = f"{each['consent']} since {_day(each['since'], zone)}"
    return {**each, "why": why, "confirmed": _day(each["confirmed_at"], zone)}


def _act(each: dict[str, Any], staff: dict[str, str]) -> dict[str, Any]:
    row, evidence = each["row"], each["evidence"]
    return {
        "row": row,
        "what": ACTS.get(row["act"], row["act"]),
        "when": _day(each["local_time"]),
        "by": staff.get(row["recorded_by"], row["recorded_by"]),
        "wording": each["wording"],
        "evidence": evidence,
        "said": [
            (name.replace("_", " "), _said(name, value)) for name, value in evidence.get("said", {}).items() if value
        ],
    }


def _said(name: str, value: Any) -> Any:
    """A signature in words: the strokes themselves are in the JSON."""
    if name != "signature":
        return value
    drawn = "drawn on a screen" if value.get("strokes") else ""
    return ", ".join(each for each in (value.get("typed"), drawn, value.get("device")) if each)


def _message(each: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    attempts = [
        {
            **attempt,
            "when": _day(attempt["decided_at"], zone),
            "told": ", ".join(receipt["status"] for receipt in attempt["receipts"]),
        }
        for attempt in each["attempts"]
    ]
    return {**each, "attempts": attempts, "hash": each["version_sha256"][:SHORT]}


def _approvals(said: dict[str, Any], zone: ZoneInfo) -> list[dict[str, str]]:
    rows = [each["row"] for each in said["record"] if each["row"]["kind"] in ("approved", "withdrawn")]
    return [
        {
            "what": row["kind"],
            "when": _day(row["at"], zone),
            "by": said["staff"].get(row["actor"], row["actor"]),
            "hash": str(row["facts"].get("sha256", ""))[:SHORT],
        }
        for row in rows
    ]


def _day(at: str | None, zone: ZoneInfo | None = None) -> str:
    """A moment as a lawyer quotes it, with its distance from UTC; in its own zone where none is named."""
    if at is None:
        return ""
    moment = datetime.fromisoformat(at)
    moment = moment.astimezone(zone) if zone else moment
    distance = moment.strftime("%z")
    return f"{moment:%-d %B %Y, %H:%M:%S} (UTC{distance[:3]}:{distance[3:5]})"
