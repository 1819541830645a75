"""A new file for one client's data: mode 0600 from its first moment, and never over one that is there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from pathlib import Path


def fresh(path: Path, *, field: str = "out") -> TextIO:
    """Make and open it. Raises Refusals, which name the option `field`."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
    except FileExistsError:
        raise Refusals([Refusal(field, "is there already", "name a new file")]) from None
    except OSError as error:
        raise Refusals([Refusal(field, f"can't be written ({error.strerror})", "name another file")]) from None
