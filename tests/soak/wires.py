"""The wires between the parts: each line may be cut, or fall silent, without either end having a say.

`python -m tests.soak.wires` reads one JSON list a line: ["open", NAME, HOST, PORT] answers the port to connect to,
["cut", NAME] resets every connection, ["mute", NAME, SECONDS] swallows every byte for a while and then resets. What
was swallowed never arrives: a late byte would look like a late call. ["slow", NAME, SECONDS] delays every answer.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any, Self

from tests.processes.commands import ROOT

PIECE = 65_536
HOST = "127.0.0.1"


class Wire:
    """One listening port and its connections."""

    def __init__(self, host: str, port: int) -> None:
        self._there = (host, port)
        self._ends: set[asyncio.StreamWriter] = set()
        self._silent, self._delay = False, 0.0

    async def open(self) -> int:
        """Listen; the port."""
        server = await asyncio.start_server(self._connected, HOST, 0, backlog=512)
        return int(server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        """Reset whatever is connected."""
        for end in list(self._ends):
            end.transport.abort()

    def mute(self, seconds: float) -> None:
        """Swallow everything, then cut."""
        self._silent = True
        asyncio.get_running_loop().call_later(seconds, self._speak)

    def slow(self, seconds: float) -> None:
        """Let every answer take so much longer; 0: none."""
        self._delay = seconds

    def _speak(self) -> None:
        self.cut()
        self._silent = False

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(*self._there)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, back}
        self._ends |= ends
        try:
            await asyncio.gather(self._carry(reader, back), self._carry(there, writer, slowly=True))
        finally:
            self._ends -= ends
            for end in ends:
                end.transport.abort()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, slowly: bool = False) -> None:
        try:
            while piece := await source.read(PIECE):
                if slowly and self._delay:
                    await asyncio.sleep(self._delay)
                if not self._silent:
                    sink.write(piece)
                    await sink.drain()
            if sink.can_write_eof():
                sink.write_eof()
        except OSError:  # one end has reset its line: else the other would never hear of it
            sink.transport.abort()


async def _serve() -> None:
    wires: dict[str, Wire] = {}
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        deed, name, *rest = json.loads(line)
        port = 0
        if deed == "open":
            wires[name] = Wire(str(rest[0]), int(rest[1]))
            port = await wires[name].open()
        elif deed == "cut":
            wires[name].cut()
        elif deed == "slow":
            wires[name].slow(float(rest[0]))
        else:
            wires[name].mute(float(rest[0]))
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()


class Wires:
    """The process as the soak holds it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.wires"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip

    def open(self, name: str, port: int, host: str = HOST) -> int:
        """A wire to that port; where its near end listens."""
        return self._say("open", name, host, port)

    def cut(self, name: str) -> None:
        """Reset every connection of a wire."""
        self._say("cut", name)

    def mute(self, name: str, seconds: float) -> None:
        """Let a wire fall silent for so long."""
        self._say("mute", name, seconds)

    def slow(self, name: str, seconds: float) -> None:
        """Let every answer of a wire take so much longer, until it is told 0."""
        self._say("slow", name, seconds)

    def _say(self, *order: Any) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)


if __name__ == "__main__":
    asyncio.run(_serve())
