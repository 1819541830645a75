"""One thing that `doctor` looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What it is, whether it is well, and how to mend it when it is not; `fix` names what `--fix` does about it."""

    what: str
    ok: bool
    says: str
    mend: str = ""
    fix: str = ""
