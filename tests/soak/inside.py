"""What the soak changes within our processes, at the import of a module there; the product knows nothing of it."""

from __future__ import annotations

import importlib.abc
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from pathlib import Path
    from types import ModuleType

    Change = Callable[[Any], None]


class _Finder(importlib.abc.MetaPathFinder):
    """Lets a module be found as ever, and changes it once it has been carried out."""

    def __init__(self, changes: Mapping[str, Change]) -> None:
        self._changes = changes

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module's own spec, with our change behind it."""
        if name not in self._changes:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = self._after(name, spec.loader.exec_module)  # type: ignore[method-assign]
        return spec

    def _after(self, name: str, carry_out: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
        def changed(module: ModuleType) -> None:
            carry_out(module)
            self._changes[name](module)

        return changed


def change(changes: Mapping[str, Change]) -> None:
    """Change these modules once they are imported; none of them must have been yet."""
    sys.meta_path.insert(0, _Finder(changes))


def wrong_clock(file: Path) -> dict[str, Change]:
    """The machine's clock, and the calendar with it, is wrong by as many seconds as the file says at that moment."""

    def step(clock: Any) -> None:
        right = clock.machine
        clock.machine = lambda: right() + timedelta(seconds=float(file.read_text(encoding="ascii")))

    return {"worker.clock": step}
