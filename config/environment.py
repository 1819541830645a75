"""Typed readers of the environment; every secret may also come from the file that NAME_FILE names."""

from __future__ import annotations

import os
import re
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path

ALIKE = 0.9  # one letter too many, too few or another; REDIS_URI, which others use, is farther from REDIS_URL
_asked: set[str] = set()


class BadSetting(ValueError):
    """A setting that can't be read; the message names it and the mend."""


def text(name: str, default: str = "") -> str:
    """The value of `name`, or `default` when it is absent or empty."""
    _asked.add(name)
    return os.environ.get(name, "").strip() or default


def slips() -> list[tuple[str, str]]:
    """What looks like one of our settings misspelt: (name that is set, name that is read and not set)."""
    unset = [name for name in _asked if name not in os.environ]
    near = {name: get_close_matches(name, unset, n=1, cutoff=ALIKE) for name in os.environ.keys() - _asked}
    return sorted((name, found[0]) for name, found in near.items() if found)


def secret(name: str, default: str = "") -> str:
    """The value of `name`, or the content of the file named by `NAME_FILE`.

    Raises BadSetting when the file is named but can't be read: a missing secret must be loud.
    """
    path = text(f"{name}_FILE")
    if not path:
        return text(name, default)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadSetting(f"{name}_FILE: can't read {path} ({error.strerror}); mount the secret or unset it") from error


def secrets(name: str) -> list[str]:
    """A comma-separated list of secrets, newest first."""
    return [part.strip() for part in secret(name).split(",") if part.strip()]


def number(name: str, default: int, *, least: int = 0) -> int:
    """A whole number of at least `least`. Raises BadSetting otherwise."""
    raw = text(name, str(default))
    if not raw.isdecimal() or int(raw) < least:
        raise BadSetting(f"{name}: {raw!r} is not a whole number of at least {least}; for example {name}={default}")
    return int(raw)


def flag(name: str, *, default: bool = False) -> bool:
    """A yes/no setting written as 1 or 0. Raises BadSetting otherwise."""
    raw = text(name, "1" if default else "0").lower()
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise BadSetting(f"{name}: {raw!r} is neither 1 nor 0")


def price(name: str) -> tuple[Decimal, str] | None:
    """An amount and its currency such as "0.0083 USD"; None when absent. Raises BadSetting otherwise."""
    raw = text(name)
    if not raw:
        return None
    match = re.fullmatch(r"(\d{1,4}(?:\.\d{1,6})?) ([A-Z]{3})", raw, re.ASCII)
    if match is None:
        raise BadSetting(f"{name}: {raw!r} is no price; write the amount and its currency: {name}=0.0083 USD")
    return Decimal(match[1]), match[2]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of `allowed`. Raises BadSetting otherwise."""
    value = text(name, default)
    if value not in allowed:
        raise BadSetting(f"{name}: {value!r} is not one of {', '.join(allowed)}")
    return value


def levels(name: str) -> dict[str, str]:
    """Levels of parts, "aftercare.message=WARNING, aftercare.web=DEBUG"; empty when absent. Raises BadSetting."""
    found: dict[str, str] = {}
    for each in filter(None, map(str.strip, text(name).split(","))):
        part, _, level = map(str.strip, each.partition("="))
        if not part or level.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise BadSetting(f"{name}: {each!r} is no level of a part; for example {name}=aftercare.message=WARNING")
        found[part] = level.upper()
    return found
