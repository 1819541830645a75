"""One mutated soak: `python -m tests.soak.one MUTATION SEED ON_POSTGRES OUTPUT`; started by `tests.soak.guards`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.soak import mutations, report


def main() -> None:
    """Play it and write what was found."""
    name, seed, postgres, output = sys.argv[1:]
    mutations.install(name)  # here as well: some of what is guarded is done at the desk
    from tests.soak.guards import CONTROL, GUARDS
    from tests.soak.run import run

    guard = next(each for each in (*GUARDS, CONTROL) if each.mutation == name)
    with tempfile.TemporaryDirectory(prefix="aftercare-guard-", ignore_cleanup_errors=True) as folder:
        outcome = run(guard.score(int(seed), postgres=bool(int(postgres))), Path(folder) / "home")
    report.write([report.plain(outcome, None)], Path(output))


if __name__ == "__main__":
    main()
