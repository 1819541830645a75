"""What the place of a client allows, from dated data (rules 44-46, 54); not legal advice.

The table is ``jurisdictions.toml`` beside this file. Hours bind texts; no law here sets hours for email, so a
clinic may choose its email hours freely.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from worker.rules.hours import Hours, Windows, intersect, read_windows
from worker.rules.names import Channel, Purpose
from worker.rules.openings import are_kept
from worker.rules.windows import ALWAYS, NEVER

if TYPE_CHECKING:
    from datetime import date
    from zoneinfo import ZoneInfo

_FEDERAL = "US-federal"
_ELSEWHERE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Jurisdiction:
    """One place's rules of time for automated texts.

    Args:
        code: row of the table, such as "US-FL", "US" (state unknown), "EU" or "default".
        hours: outside these no text but an answer goes; a clinic may only be narrower.
        usual: the hours of a clinic that has set none; always within `hours`.
        marketing: the hours of marketing; always within `hours`, none where nobody keeps the holidays.
        first_72h_ignores_holidays: whether early aftercare may overlook a holiday.
        max_per_24h: texts to one number in any 24 hours.
        mark: "C" confirmed, "S" secondary source, "O" own knowledge.
        disputed: published tables disagree; the strictest stands.
    """

    code: str
    name: str
    hours: Windows
    usual: Windows
    marketing: Windows
    first_72h_ignores_holidays: bool
    max_per_24h: int
    source: str
    mark: str
    checked_on: date
    disputed: bool

    def limit(self, channel: Channel, purpose: Purpose) -> Windows:
        """The widest windows a message of this channel and purpose may have here."""
        if channel is Channel.EMAIL:
            return ALWAYS
        return self.marketing if purpose is Purpose.MARKETING else self.hours


@lru_cache(maxsize=512)
def jurisdiction(country: str, state: str | None = None) -> Jurisdiction:
    """The rules of an ISO 3166 country and, in the US, a state; unknown ones get the strict default (rule 45)."""
    rows, country = _table(), country.upper()
    if country == "US":
        code = f"US-{(state or '').upper()}"
        return _us(code if code in rows else "US")
    code = next((code for code, row in rows.items() if country in row.get("countries", ())), _ELSEWHERE)
    return _read(code, rows[code], country)


def hours_for(
    place: Jurisdiction,
    channel: Channel,
    purpose: Purpose,
    zones: tuple[ZoneInfo, ...],
    own: Windows | None = None,
) -> Hours:
    """The hours of one channel for one client: the clinic's `own` or the usual ones, cut to the law's (rule 46)."""
    return Hours(windows=intersect(own or place.usual, place.limit(channel, purpose)), zones=zones)


def _us(code: str) -> Jurisdiction:
    """A state's row with what it leaves out taken from [US], cut to the federal floor."""
    rows = _table()
    row: dict[str, Any] = rows["US"] | rows[code]
    return _read(code, row, "US", floor=read_windows(rows[_FEDERAL]["hours"]))


def _read(code: str, row: dict[str, Any], country: str, *, floor: Windows = ALWAYS) -> Jurisdiction:
    custom = {country} if code != _ELSEWHERE or are_kept(country) else set()
    law = custom | ({code} if code.startswith("US-") else set())
    hours = _windows(row, "hours", row["holidays"], law, always=not row["first_72h_ignores_holidays"])
    hours = intersect(hours, floor)
    usual = _windows(row, "usual", row["usual_holidays"], custom)
    marketing = _windows(row, "marketing", row["marketing_holidays"], custom) if custom else NEVER
    return Jurisdiction(
        code=code,
        hours=hours,
        usual=intersect(usual, hours),
        marketing=intersect(marketing, hours),
        **{name: row[name] for name in _PLAIN},
    )


def _windows(row: dict[str, Any], name: str, holidays: str, calendars: set[str], *, always: bool = False) -> Windows:
    closed = calendars if holidays == "closed" else ()
    if always:
        return read_windows(row[name], closed_on_always=closed)
    return read_windows(row[name], closed_on=closed)


_PLAIN = ("name", "first_72h_ignores_holidays", "max_per_24h", "source", "mark", "checked_on", "disputed")


@cache
def _table() -> dict[str, dict[str, Any]]:
    text = resources.files(__package__).joinpath("jurisdictions.toml").read_text("utf-8")
    return {code: row for code, row in tomllib.loads(text).items() if isinstance(row, dict)}
