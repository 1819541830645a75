"""A small HTTP/1.1 client that can hold an open connection before a decision, and refuses to start late.

Why our own: general clients open connections when they please and write the first byte when they get to it. P2 needs
the connection open before the decision and the clock read right before the first byte. Parsing is httptools' work.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import ssl
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httptools

from worker import clock
from worker.channels.base import FIRST_BYTE_WITHIN

if TYPE_CHECKING:
    from collections.abc import Iterable

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 4.0  # a connection idle for longer may be closed by the other side just as we write: ambiguous
USER_TIMEOUT_MS = 10_000  # TCP_USER_TIMEOUT: a dead peer is known within 10 s
NO_LINGER = struct.pack("ii", 1, 0)  # closed or killed means reset: no byte leaves the kernel afterwards (rule 80)
LARGEST_ANSWER = 256 * 1024
LONGEST_REST = 30.0


class NotStartedError(Exception):
    """Nothing was written."""


class LostAnswerError(Exception):
    """Something was written, and no whole answer came back."""


@dataclass(slots=True)
class Answer:
    """One HTTP answer; header names in lower case."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


class Connection(asyncio.Protocol):
    """One keep-alive connection: one request at a time, callbacks of httptools' parser as methods."""

    def __init__(self, largest: int = LARGEST_ANSWER) -> None:
        self._largest = largest
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer = Answer()
        self.idle_since = clock.running()

    def is_open(self) -> bool:
        """False once either side closed it."""
        return self._transport is not None and not self._transport.is_closing()

    async def exchange(self, request: bytes, *, started: float, patience: float) -> Answer:
        """Write one request and wait for its answer.

        `started` is clock.running() at the start of the decision; past 1.0 s nothing is written (P2).
        Raises NotStartedError when nothing was written, LostAnswerError when the outcome can't be known.
        """
        if self._transport is None or self._transport.is_closing():
            raise NotStartedError("the connection was gone")
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Answer] = loop.create_future()
        self._waiting, self._answer, self._parser = waiting, Answer(), httptools.HttpResponseParser(self)
        if clock.running() - started > FIRST_BYTE_WITHIN or self._hung_up():
            self._waiting = None
            late = clock.running() - started > FIRST_BYTE_WITHIN
            raise NotStartedError("more than 1 s after the decision" if late else "the other side hung up")
        self._transport.write(request)
        alarm = loop.call_later(patience, self._lose, "no answer in time")
        try:
            return await waiting
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            alarm.cancel()
            self._waiting = None
            self.idle_since = clock.running()

    def _hung_up(self) -> bool:
        """True when the other side's goodbye lies in the kernel, unread: writing into it would leave us in doubt."""
        raw = self._transport.get_extra_info("socket") if self._transport else None
        if raw is None or not _HANG_UP:
            return False
        poll = select.poll()
        poll.register(raw.fileno(), _HANG_UP)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Cut it at once: a late answer on it must never be taken for another request's."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio's callbacks
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.idle_since = clock.running()
        _notice_dead_peers(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        """Bytes of the answer; bytes nobody asked for end the connection."""
        if self._waiting is None or self._waiting.done():
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._lose("the answer was not HTTP")

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side, or we, closed it."""
        self._transport = None
        self._lose("the connection broke" if exc else "the connection was closed")

    # httptools' callbacks
    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        self._answer.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._answer.body += body
        if len(self._answer.body) > self._largest:
            self._lose("the answer was too large")

    def on_message_complete(self) -> None:
        """The whole answer is here."""
        self._answer.status = self._parser.get_status_code()
        if self._answer.status < 200:  # noqa: PLR2004 - 100 Continue and kin announce, they don't answer
            self._answer = Answer()
            return
        if not self._parser.should_keep_alive() and self._transport is not None:
            self._transport.close()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(self._answer)

    def _lose(self, why: str) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(LostAnswerError(why))
        self.close()


class Pool:
    """The connections of one process to one origin such as https://api.twilio.com."""

    def __init__(self, origin: str, *, largest: int = LARGEST_ANSWER) -> None:
        parts = urlsplit(origin)
        self._largest = largest
        self.host = parts.hostname or ""
        self.secure = parts.scheme == "https"
        self.port = parts.port or (443 if self.secure else 80)
        self._tls = tls_context() if self.secure else None
        self._idle: list[Connection] = []
        self._rest_until, self._rest = 0.0, 0.0

    async def reserve(self, wanted: int) -> list[Connection]:
        """Up to `wanted` open connections, fewer when the provider can't be reached (then nothing is claimed)."""
        if clock.running() < self._rest_until:
            return []
        held = self._fresh(wanted)
        opened = await asyncio.gather(*(self._open() for _ in range(wanted - len(held))))
        return held + [connection for connection in opened if connection is not None]

    def stumbled(self) -> None:
        """The other side hung up before we began: rest a while, twice as long each time, or it goes on for ever."""
        if clock.running() >= self._rest_until:
            self._rest = min(max(1.0, self._rest * 2), LONGEST_REST)
            self._rest_until = clock.running() + self._rest

    def answered(self) -> None:
        """It works."""
        self._rest = 0.0

    def release(self, connections: Iterable[Connection]) -> None:
        """Give connections back; the newest is used again first, so that the rest can fall idle."""
        self._idle.extend(connection for connection in connections if connection.is_open())

    def _fresh(self, wanted: int) -> list[Connection]:
        held: list[Connection] = []
        stale_before = clock.running() - IDLE_SECONDS
        while self._idle and len(held) < wanted:
            connection = self._idle.pop()
            if connection.idle_since < stale_before:
                connection.close()
            elif connection.is_open():
                held.append(connection)
        return held

    async def _open(self) -> Connection | None:
        with contextlib.suppress(OSError, TimeoutError, ssl.SSLError):
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(self._largest), self.host, self.port, ssl=self._tls
                )
                return connection
        return None


def tls_context() -> ssl.SSLContext:
    """The one TLS context of the process: a fresh one per connection costs 24 ms of CPU instead of 1."""
    global _tls  # noqa: PLW0603 - one context per process is the point
    if _tls is None:
        _tls = ssl.create_default_context()
    return _tls


_tls: ssl.SSLContext | None = None
_HANG_UP: int = getattr(select, "POLLRDHUP", 0)  # Linux; elsewhere a hang-up is seen in the loop's next turn


def _notice_dead_peers(raw: socket.socket | None) -> None:
    if raw is None:
        return
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
