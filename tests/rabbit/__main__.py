"""`make rabbit`: real workers and a beat whose hints go by a real RabbitMQ; a worker dies, the broker dies, a purge.

Exit 0 when each client's phone rang once for each step, 1 when not, 2 where RabbitMQ is not installed.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.processes.houses import RunningHouse, settled_home
from tests.processes.witness import Witness
from tests.rabbit.server import PrivateRabbit, find

if TYPE_CHECKING:
    from collections.abc import Callable

MANY = 24
QUEUES = {"sms", "email", "tend"}


def main() -> int:
    """Play it and print what was seen."""
    if find() is None:
        print("rabbit: RabbitMQ is not installed (Debian: apt-get install rabbitmq-server)", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("rabbit: stopped"))  # so that what was started is ended
    with tempfile.TemporaryDirectory(prefix="aftercare-rabbit-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with PrivateRabbit(folder / "rabbit") as rabbit:
            home = settled_home(folder / "home")
            with RunningHouse(home, BROKER_URL=rabbit.url, LEASE_SECONDS="15", DOUBT_SECONDS="1",
                              RECONCILE_SECONDS="1", SEND_SLOTS="4") as house:  # fmt: skip
                return _play(rabbit, house)


def _play(rabbit: PrivateRabbit, house: RunningHouse) -> int:
    os.environ.update(house.env)
    phones: dict[str, str] = house.desk.ask("crowd", str(MANY))
    house.quiet()
    house.sandbox.faults(latency_ms=100)
    rows = [row for row in house.cli("messages", "--json").data if str(row["client"]) in phones]
    kinds = dict(line.split("\t")[:2] for line in rabbit.control("list_queues", "name", "type").splitlines()[1:])
    print(f"queues: { ({name: kinds.get(name) for name in sorted(QUEUES)}) }")
    wrong = {name for name in QUEUES if kinds.get(name) != "quorum"}
    for step, what, deed in (
        ("same-day", "nothing happens", lambda: None),
        ("day-1", "the worker is killed in the middle", lambda: _kill(house, "worker")),
        ("day-3", "the broker is killed in the middle, and starts again", lambda: (rabbit.kill(), rabbit.start())),
        (
            "day-7",
            "every queue is purged in the middle",
            lambda: [rabbit.control("purge_queue", each) for each in QUEUES],
        ),
    ):
        rang = _rang(house, max(row["due_at"] for row in rows if row["step"] == step), deed)
        often = Counter(rang[phone] for phone in phones.values())
        print(f"{step:10} {what}: rang once {often[1]}, not {often[0]}, twice or more {MANY - often[0] - often[1]}")
        wrong |= {step} if often != {1: MANY} else set()
    return 1 if wrong else 0


def _rang(house: RunningHouse, due: str, deed: Callable[[], Any]) -> Counter[str]:
    witness = Witness(house.sandbox)
    house.desk.ask("step-to", due, "down")
    witness.waits_for(4)
    deed()
    house.quiet()
    return witness.rang()


def _kill(house: RunningHouse, part: str) -> None:
    os.kill(house.supervisor.pids()[part], signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
