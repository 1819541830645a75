"""What `aftercare status` says, in the words and pictures of the operations page."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.translation import gettext_lazy

from worker.models.hold import CIRCUIT, SYSTEM, PauseScope
from worker.reading.alarms import LATE
from worker.web.desk import charts
from worker.web.desk.agreed_words import CHANNELS

if TYPE_CHECKING:
    from django.utils.functional import Promise

SCOPES = {
    PauseScope.ALL: gettext_lazy("everything"),
    PauseScope.CLINIC: gettext_lazy("the clinic"),
    PauseScope.CHANNEL: gettext_lazy("a channel"),
    PauseScope.PROTOCOL: gettext_lazy("a protocol"),
    PauseScope.SENDER: gettext_lazy("a sender"),
    PauseScope.DRAIN: gettext_lazy("workers finish and begin nothing"),
}
"""What a pause stops."""
MACHINES: dict[str | None, str | Promise] = {
    CIRCUIT: gettext_lazy("the provider's refusal"),
    SYSTEM: gettext_lazy("the restore of a backup"),
    "command": gettext_lazy("a command"),
    None: gettext_lazy("somebody of another clinic"),
}
"""Who gave a pause, where it is nobody with a name, or nobody whose name is for this page."""
SUMS: dict[str, str | Promise] = {
    "meant": gettext_lazy("Meant to go today"),
    "so_far": gettext_lazy("of these until now"),
    "went": gettext_lazy("Went"),
    "late": gettext_lazy("Late"),
    "due": gettext_lazy("Going now"),
    "missed": gettext_lazy("Missed"),
    "withheld": gettext_lazy("Not sent"),
    "held": gettext_lazy("On hold"),
    "failed": gettext_lazy("Failed"),
    "unknown": gettext_lazy("Outcome unknown"),
    "cancelled": gettext_lazy("Cancelled"),
    "to_come": gettext_lazy("To come"),
}
ALWAYS = ("meant", "so_far", "went", "to_come")  # the rest only where there is any
DUE: dict[str, str | Promise] = {
    "due_now": gettext_lazy("Due now"),
    "oldest_due_seconds": gettext_lazy("The oldest waits for"),
    "next_due_at": gettext_lazy("Next due"),
}


class Row(NamedTuple):
    """One line of a table whose columns are the channels."""

    key: str
    word: str | Promise
    values: list[Any]


def worded(said: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """What the page's template shows: the facts themselves as `said`, moments as moments, and the pictures."""
    told = said | {
        "paused": [_pause(each) for each in said["paused"]],
        "circuits": [
            _with_moments(each, "since", "tried_again_at") | {"channel": _channel(each["channel"])}
            for each in said["circuits"]
        ],
        "feeds": [_with_moments(each, "heard_at") for each in said["feeds"]],
        "hours": [_with_moments(each, "hour") | {"channel": _channel(each["channel"])} for each in said["hours"]],
    }
    due = {name: _with_moments(each, "next_due_at") for name, each in said["channels"].items()}
    today = said["today"]
    return {
        "said": told,
        "now": now,
        "due": _table(due, DUE),
        "due_channels": [_channel(each) for each in due],
        "today": [row for row in _table(today["channels"], SUMS) if row.key in ALWAYS or any(row.values)],
        "today_channels": [_channel(each) for each in today["channels"]],
        "begins": datetime.fromisoformat(today["begins"]),
        "whole": {key: sum(each[key] for each in today["channels"].values()) for key in ("went", "meant")},
        "charts": {
            "today": charts.against(today["hours"], begins=today["begins"], ends=today["ends"]),
            "volume": charts.volume(said["hours"], now),
            "lateness": charts.lateness(said["hours"], now, limit=LATE),
        },
    }


def _pause(each: dict[str, Any]) -> dict[str, Any]:
    """Who is a name, or one of MACHINES; the clinic is the page's own, and what stops everything has no name."""
    scope, name = PauseScope(each["scope"]), each["name"]
    return _with_moments(each, "since") | {
        "scope": SCOPES[scope],
        "name": {PauseScope.CHANNEL: _channel(name), PauseScope.CLINIC: ""}.get(scope, name),
        "who": MACHINES.get(each["who"], each["who"]),
    }


def _table(columns: dict[str, dict[str, Any]], words: dict[str, str | Promise]) -> list[Row]:
    return [Row(key, word, [each[key] for each in columns.values()]) for key, word in words.items()]


def _channel(name: str) -> str:
    return str(CHANNELS.get(name, name))


def _with_moments(row: dict[str, Any], *keys: str) -> dict[str, Any]:
    return row | {key: datetime.fromisoformat(row[key]) if row[key] else None for key in keys}
