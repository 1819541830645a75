"""Email, by the clinic's own SMTP relay or by a provider's API: EMAIL_URL says which.

smtplib and anymail block, so each mail has a thread of its own for as long as it takes; the loop keeps the time.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import structlog
from django.conf import settings

from worker import clock
from worker.channels.base import NotStarted, Outcome, Refused, Unknown
from worker.channels.http import CONNECT_SECONDS, IDLE_SECONDS
from worker.channels.smtp import Connection, Unreachable, relay
from worker.rules.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from worker.channels.base import Mail

log = structlog.get_logger("aftercare.email")
T = TypeVar("T")

OUR_CONTENT = "554 5.6.0"  # our own refusal, in the relay's words: an operator's case, never the client's (rule 125)
ANYMAIL = "anymail+"
LONGEST_REST = 30.0  # seconds


class Line(Protocol):
    """A session with whoever takes the mail: all its methods block, but for is_open and abort."""

    def open(self) -> None:
        """Connect. Raises Unreachable."""

    def is_open(self) -> bool:
        """False once it is closed."""

    def is_fresh(self) -> bool:
        """True when it still works after a while of silence."""

    def deliver(self, mail: Mail, started: float) -> Outcome:
        """Hand over one mail. Raises Refusal."""

    def close(self) -> None:
        """Hang up."""

    def abort(self) -> None:
        """Cut short whatever another thread waits for."""


class EmailChannel:
    """Mail for every clinic of this process. `make_line` makes one closed session, `slots` is how many at a time.

    `patience` is how many seconds one mail may take; it ends before its lease does.
    """

    def __init__(self, make_line: Callable[[], Line], *, slots: int, patience: float) -> None:
        self._make_line, self._slots, self._patience = make_line, slots, patience
        self._idle: list[tuple[Line, float]] = []  # and since when (clock.running()); the newest is last
        self._out: set[Line] = set()
        self._threads: ThreadPoolExecutor | None = None
        self._pid = os.getpid()
        self._rest_until, self._rest = 0.0, 0.0
        self.trouble = ""  # why the last connection could not be opened; "" when it could

    async def reserve(self, wanted: int) -> list[Line]:
        """Open sessions for up to `wanted` mails; fewer, or none, when the other side can't be reached."""
        self._mind_the_fork()
        wanted = min(wanted, self._slots - len(self._out))
        if wanted <= 0 or clock.running() < self._rest_until:
            return []
        lines = [self._take() for _ in range(wanted)]
        works = [self._start(_ready, line, since) for line, since in lines]
        await asyncio.wait(works, timeout=CONNECT_SECONDS)
        held, trouble = [], ""
        for (line, _), work in zip(lines, works, strict=True):
            if work.done() and not work.result():
                held.append(line)
                continue
            trouble = work.result() if work.done() else "too slow to connect"
            line.abort()
            work.add_done_callback(partial(_hang_up, line))
        self._out.update(held)
        self._note(trouble)
        if not held:
            self._stumble()
        return held

    def release(self, slots: Iterable[Line]) -> None:
        """Give sessions back; the newest is used again first, so that the rest can fall idle."""
        for line in slots:
            self._out.discard(line)
            if line.is_open():
                self._idle.append((line, clock.running()))
            else:
                line.close()

    async def send(self, slot: Line, mail: Mail, started: float) -> Outcome:
        """Hand over one mail. `started` is clock.running() at the start of its decision.

        Whatever happens is an outcome, never an exception: an error here must not look like "not sent".
        """
        work = self._start(_deliver, slot, mail, started)
        try:
            await asyncio.wait([work], timeout=self._patience)
        finally:
            if not work.done():
                slot.abort()
        outcome = await work
        if isinstance(outcome, NotStarted):
            self._stumble()
        elif not isinstance(outcome, Unknown):
            self._rest = 0.0
        return outcome

    def close(self) -> None:
        """Hang up where nothing is under way, and end the threads."""
        while self._idle:
            self._idle.pop()[0].close()
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None

    def _take(self) -> tuple[Line, float | None]:
        return self._idle.pop() if self._idle else (self._make_line(), None)

    def _start(self, work: Callable[..., T], *about: Any) -> asyncio.Future[T]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._slots, thread_name_prefix="mail")
        return asyncio.get_running_loop().run_in_executor(self._threads, work, *about)

    def _mind_the_fork(self) -> None:
        """Threads don't cross a fork, and the sockets of a parent are not its child's to use."""
        if self._pid != os.getpid():
            self._pid, self._threads = os.getpid(), None
            self._out.clear()
            while self._idle:
                self._idle.pop()[0].close()

    def _stumble(self) -> None:
        """Rest before the next try: whoever drops every mail would otherwise be called again without a pause.

        Mails that fail together are one stumble: eight at once would else mean half a minute of silence.
        """
        if clock.running() >= self._rest_until:
            self._rest = min(max(1.0, self._rest * 2), LONGEST_REST)
            self._rest_until = clock.running() + self._rest

    def _note(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            log.warning("email_unreachable", why=trouble)
        self.trouble = trouble


def _ready(line: Line, since: float | None) -> str:
    """Make a session usable; "" when it is, else why not."""
    if since is not None and line.is_open() and (clock.running() - since < IDLE_SECONDS or line.is_fresh()):
        return ""
    line.close()
    try:
        line.open()
    except Unreachable as error:
        return str(error)
    return ""


def _hang_up(line: Line, _: object) -> None:
    line.close()


def _deliver(line: Line, mail: Mail, started: float) -> Outcome:
    try:
        return line.deliver(mail, started)
    except Refusal as refusal:
        log.error("mail_unwritable", attempt=mail.attempt_id, field=refusal.field, problem=refusal.problem)
        return Refused(OUR_CONTENT)
    except Exception as error:  # noqa: BLE001 - whatever it is, the mail may have left
        log.error("mail_unexpected", attempt=mail.attempt_id, error=type(error).__name__)
        line.close()
        return Unknown("an unexpected error")


def check_email_url(url: str) -> None:
    """Refuse an EMAIL_URL that can't be used, before anything is sent; nothing is connected to.

    `url` is sandbox, smtp://, smtps:// or anymail+<provider>://. Raises BadSetting with the mend, which never
    repeats the URL: it holds a password.
    """
    _line_maker(url)


def make() -> EmailChannel:
    """The channel as the settings say. Raises BadSetting."""
    patience = settings.LEASE_SECONDS / 2
    return EmailChannel(_line_maker(settings.EMAIL_URL), slots=settings.MAIL_SLOTS, patience=patience)


def _line_maker(url: str) -> Callable[[], Line]:
    wait, last_wait = float(settings.PROVIDER_TIMEOUT_SECONDS), settings.LEASE_SECONDS / 2
    if url.startswith(ANYMAIL):
        from worker.channels import anymail_out  # requests and kin weigh 10 MB that a relay's worker never needs

        provider = anymail_out.provider(url)
        return lambda: anymail_out.Session(provider, wait=last_wait)
    there = relay(settings.SANDBOX_SMTP_URL, name="SANDBOX_SMTP_URL") if url == "sandbox" else relay(url)
    return lambda: Connection(there, wait=wait, last_wait=last_wait)
