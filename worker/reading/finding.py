"""One thing that `doctor` looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from config.environment import BadSetting


@dataclass(frozen=True, slots=True)
class Finding:
    """What it is, whether it is well, and how to mend it when it is not; `fix` names what `--fix` does about it.

    `looked` is False where nothing could be looked at: nobody knows then, and that is not well.
    """

    what: str
    ok: bool
    says: str
    mend: str = ""
    fix: str = ""
    looked: bool = True


def not_looked_at(what: str, why: str, mend: str) -> Finding:
    """What could not be looked at, and why."""
    return Finding(what, ok=False, says=f"not looked at: {why}", mend=mend, looked=False)


def of_settings(bad: BadSetting) -> list[Finding]:
    """Every setting that can't be read; without them nothing else can be looked at."""
    return [Finding(name, ok=False, says=says, mend=mend) for name, says, mend in (each.parts for each in bad.faults)]


def as_json(found: Iterable[Finding]) -> dict[str, Any]:
    """The findings for machines."""
    listed = list(found)
    return {"ok": all(each.ok for each in listed), "findings": [asdict(each) for each in listed]}


def as_lines(found: Sequence[Finding]) -> list[str]:
    """The findings for people: well, to mend, or not looked at."""
    return [line for each in found for line in _lines(each)]


def _lines(each: Finding) -> list[str]:
    if not each.looked:
        return [f"  -   {each.what}: {each.says}"]
    if each.ok:
        return [f"ok    {each.what}: {each.says}"]
    return [f"MEND  {each.what}: {each.says}", f"      {each.mend}"]
