"""aftercare tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.management.arguments import person, row_id

if TYPE_CHECKING:
    import argparse

HELP = "what waits for a person: list it, or note that it is done"


def add(parser: argparse.ArgumentParser) -> None:
    """List, or done."""
    parser.add_argument("--client", type=row_id, metavar="ID")
    parser.add_argument("--all", action="store_true", help="those that are done as well")
    parser.add_argument("--json", action="store_true", help="print JSON")
    act = parser.add_subparsers(dest="act", metavar="done")
    done = act.add_parser("done", help="note that a task is done")
    done.add_argument("id", type=row_id, metavar="ID")
    done.add_argument("--by", type=person(), required=True, metavar="EMAIL", help="one of the clinic's staff")


def run(options: argparse.Namespace) -> int:
    """Print them, the most pressing first; or close one."""
    from worker.management.cli import ready, show

    ready()
    from worker import clock

    if options.act == "done":
        from worker.actions.record.task import finish

        fresh = finish(task_id=options.id, by=options.by, now=clock.now())
        print(f"task {options.id} is done" if fresh else f"task {options.id} was done before")
        return 0
    from worker.reading.tasks import listed

    rows = listed(now=clock.now(), client_id=options.client, everything=options.all)
    show(rows, as_json=options.json, lines=[_line(row) for row in rows] or ["no tasks"])
    return 0


def _line(row: dict[str, Any]) -> str:
    when = "done" if row["done_at"] else f"by {row['due_at'][:16]}Z" if row["due_at"] else "when you can"
    late = "  LATE" if row["overdue"] else ""
    steps = ", ".join(each["step"] for each in row["facts"].get("steps", ()))
    return f"{row['id']:>6}  client {row['client'] or '-':>5}  {when}{late}  {row['plain']}" + f" ({steps})" * bool(
        steps
    )
