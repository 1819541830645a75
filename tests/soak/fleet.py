"""The parts of the house under fire: started at once when they die, and struck as a fault says."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.postgres import CannotStart
from tests.processes.witness import children, until
from tests.soak.faults import FAIR, KILLS
from worker.sandbox.lockfile import CannotStartError
from worker.sandbox.process import clear_group, end, grace, launch

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from tests.postgres import PrivatePostgres
    from tests.soak.faults import Fault
    from tests.soak.wires import Wires
    from worker.sandbox.process import Part
    from worker.sandbox.provider.client import Sandbox
    from worker.sandbox.redis_server import PrivateRedis

LOOK_AGAIN, TRIES = 0.05, 10
FULL = Path("/dev/full")


def clock_of(home: Path, name: str) -> Path:
    """The file that says by how many seconds a part's clock is wrong."""
    return home / f"{name}.clock"


def step_clock(home: Path, name: str, seconds: float) -> None:
    """Let a part's clock be wrong from now on; 0: right again."""
    draft = clock_of(home, name).with_suffix(".new")
    draft.write_text(repr(seconds), encoding="ascii")
    draft.replace(clock_of(home, name))


class Fleet:
    """Real processes by name; a watchman starts again whatever has died."""

    def __init__(self, parts: list[Part], home: Path, *, wires: Wires, redis: PrivateRedis, sandbox: Sandbox) -> None:
        logs = home / "log"
        logs.mkdir(parents=True, exist_ok=True)
        self._home = home
        self._parts = {part.name: part for part in parts}
        self._logs, self._wires, self._redis, self._sandbox = logs, wires, redis, sandbox
        self.postgres: PrivatePostgres | None = None
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._full: set[str] = set()
        self._over, self._lock = threading.Event(), threading.Lock()
        self._later: list[threading.Timer] = []
        self._watchman = threading.Thread(target=self._watch, name="watchman")
        self.struck: Counter[str] = Counter()
        self.deaths: Counter[str] = Counter()
        self.skews: list[tuple[float, float, float]] = []  # from, until (machine time), seconds that a clock was wrong

    def __enter__(self) -> Self:
        for name, part in self._parts.items():
            self._launch(name)
            if name == "provider":  # whoever is up before it would rest for a while first
                until(self._ready(part))
        for part in self._parts.values():
            until(self._ready(part))
        self._watchman.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stand_down()

    def stand_down(self) -> None:
        """End every part; while whoever started them is still there."""
        if self._over.is_set():
            return
        self._over.set()
        self._watchman.join()
        for timer in self._later:
            timer.cancel()
        for name in reversed(self._running):
            self._signal(self._running[name].pid, signal.SIGCONT)
            end(self._running[name], within=grace(10))

    @contextlib.contextmanager
    def fallen(self) -> Iterator[None]:
        """Every part of ours is killed where it stands; the watchman starts it again afterwards. The outside lives."""
        with self._lock:
            for name, process in self._running.items():
                if name != "provider":
                    self._kill_group(name)
                    process.wait()
                    clear_group(process)
            yield

    def strike(self, fault: Fault) -> bool:
        """Do it; False when there was nobody to strike just then."""
        done = self._blows()[fault.kind](fault)
        if done:
            self.struck[fault.kind] += 1
        return done

    def calm(self) -> None:
        """No more faults: everything that was frozen, muted or spoilt works again."""
        for timer in self._later:
            timer.join()
        self._sandbox.clear_faults()
        self._sandbox.faults(**FAIR)

    def is_quiet(self) -> bool:
        """True when nothing is under way outside."""
        return bool(self._sandbox.quiet()["quiet"])

    def kills(self) -> int:
        """How many processes were killed."""
        return sum(count for kind, count in self.struck.items() if kind in KILLS)

    def _blows(self) -> dict[str, Callable[[Fault], bool]]:
        return {
            "kill child": lambda fault: self._kill(self._child(fault)),
            "kill worker": lambda fault: self._kill_group(fault.whom),
            "kill orphaning": lambda fault: self._kill(self._pid(fault.whom)),
            "kill beat": lambda fault: self._kill_group(fault.whom),
            "kill web": lambda fault: (
                self._kill(self._child(fault)) if fault.more["child"] else self._kill_group(fault.whom)
            ),
            "kill redis": lambda _: self._restart_redis(),
            "flush redis": lambda _: self._flush_redis(),
            "restart postgres": self._restart_postgres,
            "cut": lambda fault: self._done(self._wires.cut(fault.whom)),
            "mute": lambda fault: self._done(self._wires.mute(fault.whom, fault.more["seconds"])),
            "freeze": self._freeze,
            "weather": lambda fault: self._sky(fault.more["sky"], fault.more["seconds"]),
            "outage": lambda fault: self._sky({"outage": True}, fault.more["seconds"]),
            "kill postgres": lambda fault: self._kill(self._of_postgres(fault, first=1)),
            "wrong clock": self._set_clock,
            "full log": self._fill_log,
        }

    @staticmethod
    def _ready(part: Part) -> Callable[[], bool]:
        return part.ready or (lambda: True)

    @staticmethod
    def _done(_: object) -> bool:
        return True

    def _launch(self, name: str) -> None:
        part = self._parts[name]
        log = FULL if name in self._full else self._logs / f"{name}.log"
        self._running[name] = launch(part.argv, part.env, log)

    def _watch(self) -> None:
        while not self._over.wait(LOOK_AGAIN):
            with self._lock:
                for name, process in list(self._running.items()):
                    if process.poll() is not None:
                        clear_group(process)
                        self.deaths[name] += 1
                        self._launch(name)

    def _pid(self, name: str) -> int:
        return self._running[name].pid

    def _child(self, fault: Fault) -> int:
        """One process of a part's pool; 0 while it has none."""
        found = sorted(children(self._pid(fault.whom)))
        return found[fault.more.get("which", 0) % len(found)] if found else 0

    def _signal(self, pid: int, number: int) -> bool:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if pid:
                os.kill(pid, number)
                return True
        return False

    def _kill(self, pid: int) -> bool:
        return self._signal(pid, signal.SIGKILL)

    def _kill_group(self, name: str) -> bool:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid(name), signal.SIGKILL)
            return True
        return False

    def _freeze(self, fault: Fault) -> bool:
        pid = self._to_freeze(fault)
        return self._signal(pid, signal.SIGSTOP) and self._after(
            fault.more["seconds"], lambda: self._signal(pid, signal.SIGCONT)
        )

    def _to_freeze(self, fault: Fault) -> int:
        if fault.whom == "redis":
            return self._redis.pid or 0
        if fault.whom == "postgres":
            return self._of_postgres(fault)
        return self._pid(fault.whom) if fault.whom.startswith("beat") else self._child(fault)

    def _of_postgres(self, fault: Fault, first: int = 0) -> int:
        """One process of the server; 0 while it is down."""
        found = self.postgres.pids()[first:] if self.postgres else []
        return found[fault.more["which"] % len(found)] if found else 0

    def _set_clock(self, fault: Fault) -> bool:
        """A worker's clock steps, and is set right again later."""
        began, wrong = time.time(), fault.more["skew"]
        step_clock(self._home, fault.whom, wrong)

        def right() -> None:
            step_clock(self._home, fault.whom, 0)
            self.skews.append((began, time.time(), wrong))

        return self._after(fault.more["seconds"], right)

    def _sky(self, sky: dict[str, object], seconds: float) -> bool:
        self._sandbox.clear_faults()
        self._sandbox.faults(**{**FAIR, **sky})
        return self._after(seconds, self._clear_up)

    def _clear_up(self) -> None:
        self._sandbox.clear_faults()
        self._sandbox.faults(**FAIR)

    def _after(self, seconds: float, deed: Callable[[], object]) -> bool:
        timer = threading.Timer(seconds, deed)
        self._later = [each for each in self._later if each.is_alive()] + [timer]
        timer.start()
        return True

    def _restart_redis(self) -> bool:
        self._redis.kill()
        return _up_again(self._redis.start)

    def _flush_redis(self) -> bool:
        import redis

        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self._redis.url) as line:
            line.flushall()
            return True
        return False

    def _restart_postgres(self, fault: Fault) -> bool:
        assert self.postgres is not None
        self.postgres.stop(fault.more["mode"])
        return _up_again(self.postgres.start)

    def _fill_log(self, fault: Fault) -> bool:
        """From its next start on, a worker's log lies on a full disk, until it is struck so again."""
        self._full ^= {fault.whom}
        return self._kill_group(fault.whom)


def _up_again(start: Callable[[], object]) -> bool:
    """A server needs its old port, which for a moment may be some connection's own."""
    for _ in range(TRIES):
        with contextlib.suppress(CannotStart, CannotStartError):
            start()
            return True
        time.sleep(1)
    start()
    return True


class Storm(threading.Thread):
    """Strikes at the appointed times, as well as the machine lets it.

    It stays when the stream has ended: on Linux, a server that it has started again would go with its thread.
    """

    def __init__(self, fleet: Fleet, faults: list[Fault]) -> None:
        super().__init__(name="storm")
        self._fleet, self._faults = fleet, faults
        self.failed: list[str] = []
        self.spent, self._stopped, self._over = threading.Event(), threading.Event(), threading.Event()

    def run(self) -> None:
        began = time.monotonic()
        for fault in self._faults:
            if self._stopped.wait(max(0.0, began + fault.at - time.monotonic())):
                break
            self._strike(fault)
        self.spent.set()
        self._over.wait()

    def _strike(self, fault: Fault) -> None:
        try:
            self._fleet.strike(fault)
        except Exception as error:
            self.failed.append(f"{fault.kind}: {error!r}")

    def stop(self) -> None:
        """Strike no more; returns when the last blow has fallen."""
        self._stopped.set()
        self.spent.wait()

    def leave(self) -> None:
        """Let the thread end, and with it what it has started."""
        self.stop()
        self._over.set()
        self.join()
