"""aftercare settle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.management.arguments import row_id

if TYPE_CHECKING:
    import argparse

HELP = "say which of two treatments counts where their instructions contradict each other"


def add(parser: argparse.ArgumentParser) -> None:
    """The task, the treatment that counts, and who says so."""
    parser.add_argument("task", type=row_id, metavar="TASK", help="its number, see `aftercare tasks`")
    parser.add_argument("--keep", required=True, type=row_id, metavar="TREATMENT", help="one of the two it names")
    parser.add_argument("--by", required=True, metavar="EMAIL", help="a practitioner of the clinic")


def run(options: argparse.Namespace) -> int:
    """Settle it in one transaction."""
    from worker.management.cli import ready

    ready()
    from worker import clock
    from worker.actions.course.agree import settle

    settle(task_id=options.task, keep=options.keep, by=options.by, now=clock.now())
    print(f"task {options.task}: treatment {options.keep} counts")
    return 0
