"""Typed readers of the environment; every secret may also come from the file that NAME_FILE names."""

from __future__ import annotations

import os
import re
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
ALIKE = 0.9  # one letter too many, too few or another; REDIS_URI, which others use, is farther from REDIS_URL
# A name that begins like these is nobody else's.
OURS = ("AFTERCARE_", "TWILIO_")
# Read by docker-compose.yml, or by one part of us alone.
READ_ELSEWHERE = frozenset({"AFTERCARE_IMAGE", "AFTERCARE_PORT", "AFTERCARE_QUEUES"})
LAST_PORT = 65535
_asked: set[str] = set()
_gathered: list[BadSetting] | None = None


class BadSetting(ValueError):
    """A setting that can't be read; the message names it and the mend: "NAME: what is wrong; what to do"."""

    @property
    def faults(self) -> Sequence[BadSetting]:
        """It alone, or each of several."""
        return (self,)

    @property
    def parts(self) -> tuple[str, str, str]:
        """The setting, what is wrong with it, and the mend."""
        name, _, rest = str(self).partition(": ")
        said, _, mend = rest.partition("; ")
        return name, said, mend or "see .env.example"


class BadSettings(BadSetting):
    """Several at once, a line each."""

    def __init__(self, faults: Sequence[BadSetting]) -> None:
        """Hold each of them, once."""
        self._faults = tuple({str(each): each for each in faults}.values())
        super().__init__("\n".join(map(str, self._faults)))

    @property
    def faults(self) -> Sequence[BadSetting]:
        """Each of them."""
        return self._faults


def gather() -> None:
    """From now on keep what is wrong, and read on with the default, until `refuse_gathered`."""
    global _gathered  # noqa: PLW0603 - one reading of the settings at a time
    _gathered = []


def refuse_gathered() -> None:
    """Raise BadSetting with everything that was wrong since `gather`."""
    global _gathered
    faults, _gathered = _gathered or [], None
    if faults:
        raise BadSettings(faults) if len(faults) > 1 else faults[0]


def all_well() -> bool:
    """True while nothing was wrong since `gather`."""
    return not _gathered


def wrong(message: str) -> None:
    """Raise BadSetting, or keep it where all are gathered."""
    _refuse(BadSetting(message))


def tried(read: Callable[[], T], otherwise: T) -> T:
    """What `read` says, or `otherwise` where it raises BadSetting while all are gathered."""
    try:
        return read()
    except BadSetting as bad:
        _refuse(bad)
        return otherwise


def _refuse(bad: BadSetting) -> None:
    if _gathered is None:
        raise bad
    _gathered.append(bad)


def text(name: str, default: str = "") -> str:
    """The value of `name`, or `default` when it is absent or empty."""
    _asked.add(name)
    return os.environ.get(name, "").strip() or default


def also_known(*names: str) -> None:
    """Settings that are read only where others stand otherwise: no slips of the pen all the same."""
    _asked.update(names, (f"{name}_FILE" for name in names))


def slips() -> list[tuple[str, str]]:
    """What looks like one of our settings misspelt: (name that is set, name that is read and not set, or "").

    A name that begins like ours and is none is a slip, whatever it resembles.
    """
    unset = [name for name in _asked if name not in os.environ]
    near = {
        name: get_close_matches(name, unset, n=1, cutoff=ALIKE) for name in os.environ.keys() - _asked - READ_ELSEWHERE
    }
    return sorted((name, found[0] if found else "") for name, found in near.items() if found or name.startswith(OURS))


def secret(name: str, default: str = "") -> str:
    """The value of `name`, or the content of the file named by `NAME_FILE`.

    Raises BadSetting when the file is named but can't be read: a missing secret must be loud.
    """
    path = text(f"{name}_FILE")
    if not path:
        return text(name, default)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", "") or "no text"
        wrong(f"{name}_FILE: can't read {path} ({why}); mount the secret or unset it")
        return default


def secrets(name: str) -> list[str]:
    """A comma-separated list of secrets, newest first."""
    return [part.strip() for part in secret(name).split(",") if part.strip()]


def number(name: str, default: int, *, least: int = 0) -> int:
    """A whole number of at least `least`. Raises BadSetting otherwise."""
    raw = text(name, str(default))
    if not (raw.isascii() and raw.isdecimal()) or int(raw) < least:
        wrong(f"{name}: {raw!r} is not a whole number of at least {least}; for example {name}={default}")
        return default
    return int(raw)


def flag(name: str, *, default: bool = False) -> bool:
    """A yes/no setting written as 1 or 0. Raises BadSetting otherwise."""
    raw = text(name, "1" if default else "0").lower()
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    wrong(f"{name}: {raw!r} is neither 1 nor 0; for example {name}={int(default)}")
    return default


def price(name: str) -> tuple[Decimal, str] | None:
    """An amount and its currency such as "0.0083 USD"; None when absent. Raises BadSetting otherwise."""
    raw = text(name)
    if not raw:
        return None
    match = re.fullmatch(r"(\d{1,4}(?:\.\d{1,6})?) ([A-Z]{3})", raw, re.ASCII)
    if match is None:
        wrong(f"{name}: {raw!r} is no price; write the amount and its currency: {name}=0.0083 USD")
        return None
    return Decimal(match[1]), match[2]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of `allowed`. Raises BadSetting otherwise."""
    value = text(name, default)
    if value not in allowed:
        wrong(f"{name}: {value!r} is not one of {', '.join(allowed)}; for example {name}={default}")
        return default
    return value


def url(name: str, default: str) -> str:
    """An http or https address, without a slash at its end. Raises BadSetting otherwise."""
    raw = text(name, default).rstrip("/")
    try:
        parts = urlsplit(raw)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that does not close
        good = False
    if not good:
        wrong(f"{name}: {raw!r} is no http address; for example {name}={default or 'https://care.example.org'}")
        return default
    return raw


def listening(name: str) -> str:
    """A "host:port" to listen at, or "" when it is absent. Raises BadSetting otherwise."""
    raw = text(name)
    if raw:
        tried(lambda: address(name, raw), ("", 0))
    return raw


def address(name: str, written: str) -> tuple[str, int]:
    """The host and port of "host:port". Raises BadSetting."""
    host, _, port = written.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()) or int(port) > LAST_PORT:
        raise BadSetting(f"{name}: {written!r} is no address; for example {name}=127.0.0.1:9808")
    return host.strip("[]"), int(port)


def levels(name: str) -> dict[str, str]:
    """Levels of parts, "aftercare.message=WARNING, aftercare.web=DEBUG"; empty when absent. Raises BadSetting."""
    found: dict[str, str] = {}
    for each in filter(None, map(str.strip, text(name).split(","))):
        part, _, level = map(str.strip, each.partition("="))
        if not part or level.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            wrong(f"{name}: {each!r} is no level of a part; for example {name}=aftercare.message=WARNING")
            continue
        found[part] = level.upper()
    return found
