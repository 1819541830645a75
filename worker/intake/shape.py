"""From bytes somebody handed in to a checked shape, or to every fault at once."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

LARGEST_FILE = 256 * 1024  # bytes; one client or one clinic is a few kilobytes


class Shape(BaseModel):
    """A strict record: unknown fields are refused, and nothing is guessed from another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


Kind = TypeVar("Kind", bound=Shape)

MENDS = {
    "missing": ("is missing", "add it"),
    "extra_forbidden": ("is not a known field", "take it out, or check its spelling"),
    "timezone_aware": ("has no zone", "write the offset, for example 2026-03-08T10:00:00-05:00"),
    "string_too_long": ("is too long", "shorten it"),
    "string_too_short": ("is empty or too short", "fill it in"),
    "too_short": ("is empty", "give at least one"),
    "too_long": ("has too many entries", "shorten the list"),
}


def checked(kind: type[Kind], data: Any) -> Kind:
    """`data` as a `kind`. Raises Refusals with one line per fault, naming field and mend (P12)."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise Refusals(_refusal(detail) for detail in error.errors(include_input=False, include_url=False)) from None


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises Refusals when it is absent, oversize, not UTF-8 or broken."""
    text = read_text(path)
    try:
        return json.loads(text, object_pairs_hook=without_repeats)
    except json.JSONDecodeError as error:
        raise _broken(path, f"is not JSON: {error.msg} in line {error.lineno}", "mend that line") from None
    except (ValueError, RecursionError) as error:
        raise _broken(path, f"is not usable JSON: {error}", "mend it") from None


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file. Raises Refusals when it is absent, oversize, not UTF-8 or broken."""
    try:
        return tomllib.loads(read_text(path))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _broken(path, f"is not TOML: {error}", "mend that line") from None


def read_text(path: Path) -> str:
    """A file's text. Raises Refusals when it is absent, over 256 kB or not UTF-8."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise _broken(path, f"can't be read ({error.strerror})", "check the path") from None
    if len(raw) > LARGEST_FILE:
        raise _broken(path, "is larger than 256 kB", "give a smaller file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _broken(path, "is not UTF-8 text", "save it as UTF-8") from None


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, for `json.loads`; one in which a name stands twice is refused (ValueError), for which counts?"""
    names = [name for name, _ in pairs]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise ValueError(f"{repeated!r} stands twice in one object")
    return dict(pairs)


def _broken(path: Path, problem: str, mend: str) -> Refusals:
    return Refusals([Refusal(path.name, problem, mend)])


def _refusal(detail: ErrorDetails) -> Refusal:
    field = ".".join(str(part) for part in detail["loc"]) or "file"
    problem, mend = MENDS.get(detail["type"], ("", ""))
    if not problem:
        problem, mend = detail["msg"].removeprefix("Value error, ").lower(), "correct it"
        if "; " in problem:
            problem, mend = detail["msg"].removeprefix("Value error, ").split("; ", 1)
    return Refusal(field, problem, mend)
