"""Keeps the parts of the house running: starts them in order, mends them, and ends them all together.

Celery 5.7 workers exit when Redis restarts under load: a part that dies is normal weather, not an accident.
It comes back within a second or two. One that keeps dying is given up, with the end of its log, because only
a person can mend that.

No part outlives the supervisor. Each runs in its own session, and `leash.py` ends it even when the supervisor
itself was killed with SIGKILL. No Django here: `aftercare up` answers before anything else is imported.
"""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from worker.sandbox.lockfile import CannotStartError
from worker.sandbox.process import Guard, Part, clear_group, end, grace, how_it_ended, launch, tail

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import FrameType, TracebackType

__all__ = ["Event", "Happening", "Part", "Supervisor"]

DEATHS_ALLOWED = 5
DEATHS_WITHIN = 30.0
FIRST_PAUSE = 0.25  # seconds before the first restart; doubles with each death in the window
LONGEST_PAUSE = 4.0
ROUND = 0.05  # how often the parts are looked at: a few µs of CPU each time
PATIENCE = 2  # the second Ctrl-C ends everything at once


class Happening(StrEnum):
    """What can happen to a part."""

    STARTING = "starting"
    READY = "ready"
    DIED = "died"
    GAVE_UP = "gave up"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of progress: what happened to which part, with a sentence where there is more to say."""

    happening: Happening
    part: str
    detail: str = ""


class _Running:
    """A part, and the process that plays it at the moment."""

    def __init__(self, part: Part, log: Path) -> None:
        self.part = part
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths: list[float] = []
        self.is_ready = False
        self.given_up = False
        self.since = 0.0
        self.start_at = 0.0

    def launch(self) -> int:
        self.process = launch(self.part.argv, self.part.env, self.log)
        self.since = time.monotonic()
        self.is_ready = False
        return self.process.pid

    def exit_code(self) -> int | None:
        return self.process.poll() if self.process else None

    def answers(self) -> bool:
        return self.part.ready is None or self.part.ready()

    def overdue(self) -> bool:
        return time.monotonic() - self.since > self.part.ready_within

    def note_death(self) -> None:
        now = time.monotonic()
        self.process = None
        self.deaths = [then for then in self.deaths if now - then < DEATHS_WITHIN] + [now]
        self.start_at = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (len(self.deaths) - 1))


class Supervisor:
    """Runs the parts: `run` for a command; `start`, `watch` (in a thread) and `stop` for one that has other work."""

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        log_dir: Path,
        on_event: Callable[[Event], None] = lambda _event: None,
    ) -> None:
        """Prepare to run `parts` in this order, each writing to `log_dir`/NAME.log (folder 0700, files 0600)."""
        log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._parts = [_Running(part, log_dir / f"{part.name}.log") for part in parts]
        self._on_event = on_event
        self._guard: Guard | None = None
        self._lock = threading.RLock()
        # No Event: its lock may be held by the very thread that a signal interrupts, and nothing would ever end.
        self._asked_to_stop = False
        self._signals = 0
        self.failure: str | None = None

    def start(self) -> None:
        """Start the parts one after the other, each when the one before it is ready.

        Raises CannotStartError with the end of the log when one dies or does not get ready; the parts already
        started are ended first. Returns early when it was asked to stop meanwhile.
        """
        with self._lock:
            self._guard = Guard()
            try:
                for running in self._parts:
                    if not self._asked_to_stop:
                        self._launch(running)
                        self._wait_until_ready(running)
            except BaseException:
                self.stop()
                raise

    def _tell(self, happening: Happening, running: _Running, detail: str = "") -> None:
        self._on_event(Event(happening=happening, part=running.part.name, detail=detail))

    def _launch(self, running: _Running) -> None:
        self._tell(Happening.STARTING, running)
        group = running.launch()
        if self._guard is not None:
            self._guard.watch_over(group)

    def _wait_until_ready(self, running: _Running) -> None:
        name = running.part.name
        while not running.answers() or running.exit_code() is not None:
            if self._asked_to_stop:
                return
            if (code := running.exit_code()) is not None:
                how = how_it_ended(code)
                raise CannotStartError(f"The {name} part ended {how} while starting.{tail(running.log)}")
            if running.overdue():
                seconds = f"{running.part.ready_within:g} s"
                raise CannotStartError(f"The {name} part was not ready within {seconds}.{tail(running.log)}")
            time.sleep(2 * ROUND)
        running.is_ready = True
        self._tell(Happening.READY, running)

    def watch(self) -> None:
        """Mend the parts until somebody asks to stop, then end them all.

        In a thread of its own: on Linux a part gets its death signal when the *thread* that started it ends,
        and this one does not end before all parts have.
        """
        while not self._asked_to_stop:
            with self._lock:
                for running in self._parts:
                    self._look_at(running)
            time.sleep(ROUND)
        self.stop()

    def _look_at(self, running: _Running) -> None:
        if running.given_up or self._asked_to_stop:
            return
        if running.process is None:
            if time.monotonic() >= running.start_at:
                self._launch(running)
        elif (code := running.process.poll()) is not None:
            self._mourn(running, how_it_ended(code))
        elif not running.is_ready:
            self._look_whether_ready(running)

    def _look_whether_ready(self, running: _Running) -> None:
        if running.answers():
            running.is_ready = True
            self._tell(Happening.READY, running)
        elif running.overdue() and running.process is not None:
            running.process.kill()
            running.process.wait()
            self._mourn(running, f"by our hand: not ready within {running.part.ready_within:g} s")

    def _mourn(self, running: _Running, how: str) -> None:
        if running.process is not None:
            clear_group(running.process)
        self._bury(running)
        running.note_death()
        self._tell(Happening.DIED, running, f"The {running.part.name} part ended {how}.")
        if len(running.deaths) >= DEATHS_ALLOWED:
            self._give_up(running)

    def _bury(self, running: _Running) -> None:
        if running.process is not None and self._guard is not None:
            self._guard.forget(running.process.pid)
        running.process = None

    def _give_up(self, running: _Running) -> None:
        running.given_up = True
        often = f"died {DEATHS_ALLOWED} times within {DEATHS_WITHIN:g} s and is given up"
        detail = f"The {running.part.name} part {often}.{tail(running.log)}"
        self._tell(Happening.GAVE_UP, running, detail)
        if running.part.critical:
            self.failure = detail
            self._asked_to_stop = True

    def ask_to_stop(self) -> None:
        """Ask `start` and `watch` to end; safe in a signal handler and from any thread."""
        self._asked_to_stop = True

    def stop(self) -> None:
        """End all parts, the last started first: SIGTERM, then SIGKILL after its grace; harmless twice."""
        self._asked_to_stop = True
        with self._lock:
            for running in reversed(self._parts):
                if running.process is not None:
                    self._tell(Happening.STOPPING, running)
                    in_time = grace(running.part.stop_grace)
                    end(running.process, within=lambda: self._signals < PATIENCE and in_time())  # noqa: B023 - called before the loop goes on
                    self._bury(running)
                    self._tell(Happening.STOPPED, running)
            if self._guard is not None:
                self._guard.dismiss()
                self._guard = None

    def run(self) -> int:
        """Start, watch, and stop on SIGINT, SIGTERM or SIGHUP; main thread only.

        A second signal ends everything at once. Returns 0, or 1 after a critical part was given up, with the
        sentence in `failure`. Raises CannotStartError as `start` does.
        """
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [(number, signal.signal(number, self._on_signal)) for number in numbers]
        try:
            self.start()
            self.watch()
        finally:
            self.stop()
            for number, handler in before:
                signal.signal(number, handler)
        return 1 if self.failure else 0

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1
        self._asked_to_stop = True

    def pids(self) -> dict[str, int]:
        """Return the process id of each part that runs at the moment, by name."""
        return {one.part.name: one.process.pid for one in self._parts if one.process is not None}

    def __enter__(self) -> Self:
        """Start the parts."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the parts."""
        self.stop()
