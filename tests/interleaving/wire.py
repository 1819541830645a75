"""Twilio's real client over our own transport, down to a wire in memory that notes when the first byte was written."""

from __future__ import annotations

import asyncio
import re
import threading
from typing import TYPE_CHECKING, Any

from tests.bench.stub import BODY, HEAD
from worker.channels.http import Connection, Pool
from worker.channels.sms import SmsChannel

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPT = re.compile(rb"%3Fd%3D([0-9a-f]{32})")
_own = threading.local()


def loop() -> asyncio.AbstractEventLoop:
    """A loop for each thread: a worker is a process, and here its place is taken by a thread."""
    if not hasattr(_own, "loop"):
        _own.loop = asyncio.new_event_loop()
    found: asyncio.AbstractEventLoop = _own.loop
    return found


def close_loop() -> None:
    """End this thread's loop."""
    if hasattr(_own, "loop"):
        _own.loop.close()
        del _own.loop


class Wire(asyncio.Transport):
    """Takes a request, tells its attempt, and answers at once as the provider does."""

    def __init__(self, protocol: Connection, told: Callable[[str], int]) -> None:
        super().__init__()
        self._protocol, self._told, self._closing = protocol, told, False

    def write(self, data: Any) -> None:
        """The first byte, and all the others."""
        found = ATTEMPT.search(data)
        assert found, "a text without its attempt"
        body = BODY.replace(b"@@", b"%032x" % self._told(found[1].decode()))
        asyncio.get_running_loop().call_soon(self._protocol.data_received, HEAD % len(body) + body)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True

    abort = close


class _Wires(Pool):
    told: Callable[[str], int]

    async def _open(self) -> Connection | None:
        made = Connection()
        made.connection_made(Wire(made, self.told))
        return made


def channel(told: Callable[[str], int]) -> SmsChannel:
    """The SMS channel of one worker; `told` is called with the attempt (hex) at every first byte, and numbers it."""
    made = SmsChannel("http://127.0.0.1:9", 10.0)
    wires = _Wires("http://127.0.0.1:9")
    wires.told = told
    made._pool = wires
    return made
