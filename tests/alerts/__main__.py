"""`make alerts`: one house of real processes in which each shipped alert is caused, fires, and has its runbook walked.

Exit 0 when every alert fired and every command worked, 1 when not, 2 when this machine can't play it.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.alerts import clients, copies, ground, parts, provider
from tests.alerts.watch import Watch
from tests.postgres import CannotStart
from tests.processes import prometheus
from worker.sandbox.lockfile import CannotStartError

SCENES = (
    clients.a_day_before, provider.receipts_do_not_come, provider.a_carrier_filters,
    provider.nothing_goes_for_an_hour, provider.the_list_cannot_be_read, provider.too_many_at_once,
    clients.what_grew_old,
    provider.our_login_is_refused, provider.proved_absent_and_there_after_all,
    provider.a_stop_that_we_never_heard, clients.many_say_stop, provider.a_limit_of_ours_is_too_low,
    copies.a_copy_is_made, parts.the_house_falls_ill, parts.they_are_gone, parts.the_code_is_newer,
    clients.words_are_kept_for_too_long, clients.somebody_changes_the_tables,
    copies.the_copy_is_put_back,
)  # fmt: skip


def asked() -> set[str]:
    """The alerts that are to fire: those that are named, else every one that is shipped."""
    shipped = [rule["alert"] for group in ground.shipped()["groups"] for rule in group["rules"]]
    parser = argparse.ArgumentParser(prog="make alerts", description=__doc__)
    parser.add_argument("alerts", nargs="*", metavar="ALERT", help="end once these have fired (default: all do)")
    named = parser.parse_args().alerts
    if unknown := set(named) - set(shipped):
        parser.error(f"no such alert: {', '.join(sorted(unknown))}; there are {', '.join(shipped)}")
    return set(named or shipped)


def main() -> int:
    """Play the scenes in their order until what is asked for has fired, and print what did."""
    wanted = asked()
    if prometheus.PROGRAM is None:
        print("alerts: Prometheus is not installed (Debian: apt-get install prometheus)", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("alerts: stopped"))  # so that what was started is ended
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="aftercare-alerts-"))
    try:
        with ExitStack() as stack:
            watch = Watch(*ground.lay(stack, folder))
            for scene in SCENES:
                print(f"alerts: {scene.__name__.replace('_', ' ')} ...", file=sys.stderr, flush=True)
                scene(watch)
                if wanted <= set(watch.walked):
                    break
    except (CannotStart, CannotStartError) as error:
        print(f"alerts: {error}", file=sys.stderr)
        return 2
    print(table(watch, time.monotonic() - began))
    clean = not watch.failed and wanted <= set(watch.walked)
    if clean:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"never caused: {sorted(wanted - set(watch.walked))}\nthe evidence: {folder}")
    return 0 if clean else 1


def table(watch: Watch, seconds: float) -> str:
    """A line for each alert with the commands of its entry."""
    lines = [f"{len(watch.walked)} alerts fired and were walked through, in {seconds:.0f} s"]
    for alert, done in watch.walked.items():
        lines += [f"  {alert:18} after {watch.fired[alert]:4.1f} s", *(f"      {each}" for each in done)]
    return "\n".join([*lines, *(f"  {alert:18} FAILED: {why}" for alert, why in watch.failed.items())])


if __name__ == "__main__":
    sys.exit(main())
