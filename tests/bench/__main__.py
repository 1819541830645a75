"""`make bench`: raw limit, naive baseline and our own senders, in turn within one run, with their ratios.

PostgreSQL with fsync, the private Redis, the real `aftercare worker`, the real twilio client, TLS to a stub that
answers at once. Then STOP webhooks at a fixed rate while a worker sends, and how fast clients' words are read.
Exit 0 when the required figures are met, 1 when not, 2 when this machine can't measure.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tests.bench import ground, machine, planning, raw, reading, report, stops
from tests.bench.runs import CROWD, Failed, Figures, Sender, run
from tests.postgres import CannotStart
from worker.sandbox.lockfile import CannotStartError

OUTPUT = Path("var/bench.json")
NAIVE, OURS, OURS_ALONE = "naive", "aftercare worker", "aftercare worker --concurrency 1"
FEWER = 3
PLANS = 2000
OURS_COMMAND = ("worker.management.cli", "worker")


def main() -> int:
    """Run everything and print the table."""
    options = _options()
    if options.only:
        return _alone(options)
    if not machine.measurable():
        return _say("bench: CPU time is read from /proc/PID, which this system doesn't have; run it on Linux", 2)
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))  # so that what was started is ended
    try:
        with ExitStack() as stack:
            raws, runs, heard, planned = _measure(stack, options)
    except (CannotStart, CannotStartError) as error:
        return _say(f"bench: {error}", 2)
    except Failed as error:
        return _say(f"bench: {error}", 1)
    read = reading.per_second(options.texts)
    result = report.summary(raws, runs, ours=OURS, naive=NAIVE) if runs else {}
    result |= report.hearing(heard, read) | report.planning(planned)
    report.write(result, options.output)
    if runs:
        print(report.table(raws, runs, result))
    print(report.hearing_table(heard, read) + report.planning_table(planned))
    print(f"all figures: {options.output}   took {time.monotonic() - began:.0f} s")
    return 0 if report.good_enough(result) else 1


def _alone(options: argparse.Namespace) -> int:
    """One of the measurements that need a house of their own."""
    if options.only == "desk":
        from tests.bench import desk

        return desk.main(options.clients)
    if options.only == "scrape":
        from tests.bench import scrape

        return scrape.main(options.rows)
    from tests.bench import due

    return due.main(options.output)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--messages", type=int, default=6000, help="texts a run of ours (default 6000)")
    parser.add_argument("--naive-messages", type=int, default=150, help="texts a run of the baseline (default 150)")
    parser.add_argument("--posts", type=int, default=20_000, help="requests a run of the raw poster (default 20000)")
    parser.add_argument(
        "--rounds", type=int, default=5, help=f"runs of our default (default 5; of the others at most {FEWER})"
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="of STOP webhooks, a database (default 20)")
    parser.add_argument("--texts", type=int, default=20_000, help="texts to read (default 20000)")
    parser.add_argument(
        "--only",
        choices=["desk", "scrape", "due"],
        help="with 3 million messages the desk's pages, or what is done every second; or what is due among 10 million",
    )
    parser.add_argument("--clients", type=int, default=200_000, help="clients of the desk (default 200000)")
    parser.add_argument("--rows", type=int, default=3_000_000, help="old messages beside a scrape (default 3000000)")
    parser.add_argument("--only-stops", action="store_true", help="leave the senders out")
    parser.add_argument("--output", type=Path, default=OUTPUT, help=f"where the figures go (default {OUTPUT})")
    return parser.parse_args()


def _measure(
    stack: ExitStack, options: argparse.Namespace
) -> tuple[list[raw.RawFigures], dict[str, list[Figures]], list[stops.StopFigures], planning.PlanFigures | None]:
    folder = Path(
        stack.enter_context(tempfile.TemporaryDirectory(prefix="aftercare-bench-", ignore_cleanup_errors=True))
    )
    here = ground.lay(stack, folder)
    here.postgres.create(CROWD)
    secrets = dict(ground.keys())
    ground.settle({**here.environment(CROWD), **secrets}, folder)
    raws: list[raw.RawFigures] = []
    runs: dict[str, list[Figures]] = {}
    if not options.only_stops:
        _note(f"gathering {options.messages} clients")
        _gather(options.messages)
    for number in range(0 if options.only_stops else options.rounds):
        _note(f"round {number + 1} of {options.rounds}")
        raws.append(raw.run(here, options.posts))
        for sender in _senders(options, number):
            runs.setdefault(sender.name, []).append(run(sender, here, number))
    planned = None if options.only_stops else planning.run(min(PLANS, options.messages))
    heard = []
    for database, sending in (("postgresql", True), ("postgresql", False), ("sqlite", True)):
        _note(f"{options.seconds:g} s of STOP webhooks on {database}, the worker {'sends' if sending else 'idles'}")
        heard.append(stops.run(here, secrets, database=database, seconds=options.seconds, sending=sending))
    return raws, runs, heard, planned


def _gather(size: int) -> None:
    import django

    django.setup()
    from tests.bench.crowd import gather

    gather(size)


def _senders(options: argparse.Namespace, number: int) -> list[Sender]:
    """Who runs in this round."""
    naive = Sender(
        name=NAIVE,
        command=("celery", "--app", "tests.bench.naive", "worker", "--pool", "prefork", "--concurrency", "2",
                 "--queues", "naive", "--without-gossip", "--without-mingle", "--loglevel", "INFO"),
        processes=2, messages=options.naive_messages, task="tests.bench.naive.send_message", queue="naive",
        per_message=True, once_only=False,
    )  # fmt: skip
    ours = Sender(
        name=OURS, command=OURS_COMMAND, processes=2, messages=options.messages, task="aftercare.send_sms",
        queue="sms", per_message=False, once_only=True,
    )  # fmt: skip
    alone = replace(ours, name=OURS_ALONE, command=(*OURS_COMMAND, "--concurrency", "1"), processes=1)
    return [naive, ours, alone] if number < FEWER else [ours]


def _note(text: str) -> None:
    print(f"bench: {text} ...", file=sys.stderr, flush=True)


def _say(message: str, status: int) -> int:
    print(message, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
