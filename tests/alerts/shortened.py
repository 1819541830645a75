"""The shipped rules for a house that lives for a minute: its durations shortened, by one rule for all. Pure.

What is shortened: how long a thing must hold (`for`), how far back is looked (windows and offsets), and four thresholds
that no minute could reach, because they are ages by the machine's own clock, or a database's slowness that would hold
up every scrape as well. Ages by the calendar stay as shipped: it can be stepped. So do all counts and shares.
"""

from __future__ import annotations

import copy
import re
from typing import Any

SHORTER = 300  # a quarter of an hour is three seconds
MOST = 2.0  # seconds that a thing must hold: what happens once stays in a window for not much longer than LEAST
LEAST = 8.0  # seconds of a window: it must hold several scrapes
FARTHEST = 60.0  # seconds of an offset: a house that lives for minutes has no week before
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LOWER = {"SweepStopped": 10, "BeatSilent": 10, "OldTransaction": 40, "DatabaseSlow": 10}
_WINDOW = re.compile(r"(\[|offset )(\d+)([smhd])")
_THRESHOLD = re.compile(r"> ([\d.]+)$")


def shortened(shipped: dict[str, Any]) -> dict[str, Any]:
    """The same rule file, in seconds."""
    made = copy.deepcopy(shipped)
    for group in made["groups"]:
        for rule in group["rules"]:
            rule["expr"] = _lowered(_WINDOW.sub(_window, rule["expr"]), LOWER.get(rule["alert"], 1))
            if "for" in rule:
                rule["for"] = f"{min(MOST, _seconds(rule['for'][:-1], rule['for'][-1])) * 1000:.0f}ms"
    return made


def _window(found: re.Match[str]) -> str:
    most = float("inf") if found[1] == "[" else FARTHEST
    return f"{found[1]}{min(most, max(LEAST, _seconds(found[2], found[3]))) * 1000:.0f}ms"


def _seconds(number: str, unit: str) -> float:
    return int(number) * UNITS[unit] / SHORTER


def _lowered(expression: str, by: int) -> str:
    return _THRESHOLD.sub(lambda found: f"> {float(found[1]) / by:g}", expression) if by > 1 else expression
