"""`make soak MINUTES=10 SEED=n`: real parts, thousands of clients, a seeded storm, and an independent verdict.

Exit 0 when every count is zero, 1 when one is not (the evidence is kept), 2 when this machine can't play it.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.postgres import CannotStart, find_binaries
from tests.soak import report
from tests.soak.checker import SLACK
from tests.soak.faults import AT_LENGTH
from tests.soak.run import Outcome, Score, run
from worker.sandbox.lockfile import CannotStartError

OUTPUT = Path("var/soak.json")
PACE = 30.0  # seconds that a long soak takes at most for what is due at one moment; a short one leaps in the end too


def main() -> int:
    """Play it and print the table."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("soak: stopped"))  # so that what was started is ended
    seconds = options.seconds or options.minutes * 60
    kind = options.database or ("postgres" if find_binaries() else "sqlite")
    score = Score(
        seed=options.seed, seconds=seconds, postgres=kind == "postgres", wave=options.wave,
        share=options.share, slack=options.slack, mutation=options.mutation,
        restore=kind == "postgres" and (options.restore or seconds >= AT_LENGTH),
        **({"walk": True, "pace": PACE} if seconds >= AT_LENGTH else {"walk": False}),
    )  # fmt: skip
    folder = Path(tempfile.mkdtemp(prefix="aftercare-soak-"))
    try:
        outcome = run(score, folder / "home")
    except (CannotStart, CannotStartError) as error:
        print(f"soak: {error}", file=sys.stderr)
        return 2
    return _tell(outcome, folder, options)


def _tell(outcome: Outcome, folder: Path, options: argparse.Namespace) -> int:
    keeps = options.keep or not outcome.clean
    said = report.plain(outcome, folder if keeps else None)
    report.write([said], options.output)
    print(report.table(said))
    if not outcome.clean:
        print(report.replay(outcome, folder))
    if not keeps:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"all figures: {options.output}")
    return 0 if outcome.clean else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of faults (default 10); the end comes on top")
    parser.add_argument("--seconds", type=float, default=0.0, help="instead of minutes")
    parser.add_argument("--seed", type=int, default=1, help="of faults, people and calendar (default 1)")
    parser.add_argument("--wave", type=int, default=400, help="new clients a day of the calendar (default 400)")
    parser.add_argument(
        "--share", type=float, default=0.02, help="of those written to that say something (default 0.02)"
    )
    parser.add_argument("--slack", type=float, default=SLACK, help="measuring error in seconds (default 2)")
    parser.add_argument("--database", choices=("postgres", "sqlite"), help="default: postgres where it is installed")
    parser.add_argument("--mutation", default="", help="one of our guards taken out, see tests/soak/guards.py")
    parser.add_argument(
        "--restore", action="store_true", help="put back an older copy in the end, as every long one does"
    )
    parser.add_argument("--keep", action="store_true", help="keep the evidence of a clean run as well")
    parser.add_argument("--output", type=Path, default=OUTPUT, help=f"where the figures go (default {OUTPUT})")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
