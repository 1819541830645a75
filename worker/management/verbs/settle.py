"""aftercare settle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management.arguments import person, row_id

if TYPE_CHECKING:
    import argparse

HELP = "say which of two treatments counts where their instructions contradict each other"


def add(parser: argparse.ArgumentParser) -> None:
    """The task, the treatment that counts, and who says so."""
    parser.add_argument("task", type=row_id, metavar="TASK", help="its number, see `aftercare tasks`")
    parser.add_argument(
        "--keep", required=True, type=_session, metavar="TREATMENT", help="one of the two it names: 5, or visit:7"
    )
    parser.add_argument("--by", type=person(), required=True, metavar="EMAIL", help="a practitioner of the clinic")


def run(options: argparse.Namespace) -> int:
    """Settle it in one transaction."""
    from worker.management.cli import ready

    ready()
    from worker import clock
    from worker.actions.course.settle import settle

    settle(task_id=options.task, keep=options.keep, by=options.by, now=clock.now())
    kept = options.keep if isinstance(options.keep, str) else f"treatment {options.keep}"
    print(f"task {options.task}: {kept} counts")
    return 0


def _session(said: str) -> int | str:
    """A treatment's id, or a visit's as the task names it. Anything else is a usage error."""
    kind, colon, number = said.rpartition(":")
    if colon and kind != "visit":
        row_id(said)  # refuses it
    return f"visit:{row_id(number)}" if colon else row_id(said)
