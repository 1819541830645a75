"""The other side: just enough of Twilio's Messages resource over TLS, in a light process of its own.

It answers at once, counts, and notices a number that was texted twice. `python -m tests.bench.stub CERTIFICATE`
prints its port; after that each line on standard input ("reset", "report") is answered by a line on standard output.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

TO = re.compile(rb"(?:^|&)To=([^&]+)")
ATTEMPT = re.compile(rb"(?:^|&)StatusCallback=[^&]*%3Fd%3D([0-9a-f]{32})")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ANSWER = {
    "account_sid": "AC" + "0" * 32,
    "api_version": "2010-04-01",
    "body": "Bench Skin Clinic: your notes for the first days here. Urgent? Call +44 20 7946 0100. Reply STOP to end.",
    "date_created": "Sun, 22 Nov 2026 12:00:00 +0000",
    "date_sent": None,
    "date_updated": "Sun, 22 Nov 2026 12:00:00 +0000",
    "direction": "outbound-api",
    "error_code": None,
    "error_message": None,
    "from": "+442079460100",
    "messaging_service_sid": None,
    "num_media": "0",
    "num_segments": "2",
    "price": None,
    "price_unit": "USD",
    "sid": "SM@@",
    "status": "queued",
    "subresource_uris": {"media": "/2010-04-01/Accounts/AC/Messages/SM@@/Media.json"},
    "to": "+447700900000",
    "uri": "/2010-04-01/Accounts/AC/Messages/SM@@.json",
}
BODY = json.dumps(ANSWER).encode()
HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class Counts:
    """What arrived since the last reset; times are seconds of the clock that all processes share."""

    def __init__(self) -> None:
        self.posts, self.first, self.last = 0, 0.0, 0.0
        self.numbers: set[bytes] = set()
        self.attempts: set[bytes] = set()
        self.unnamed = 0

    def took(self, body: bytes) -> int:
        """Count one create call; its running number."""
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.posts += 1
        to, attempt = TO.search(body), ATTEMPT.search(body)
        if to:
            self.numbers.add(to[1])
        if attempt:
            self.attempts.add(attempt[1])
        else:
            self.unnamed += 1
        return self.posts

    def report(self) -> dict[str, Any]:
        """The counts; `doubles` is how often a number rang more than once."""
        return {
            "posts": self.posts,
            "seconds": self.last - self.first,
            "doubles": self.posts - len(self.numbers),
            "attempts": len(self.attempts),
            "unnamed": self.unnamed,
        }


_counts = Counts()


class Line(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The caller is here."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._buffer += data
        while request := self._next():
            number = b"%032x" % _counts.took(request)
            body = BODY.replace(b"@@", number)
            if self._transport is not None:
                self._transport.write(HEAD % len(body) + body)

    def _next(self) -> bytes | None:
        end = self._buffer.find(b"\r\n\r\n")
        length = LENGTH.search(self._buffer, 0, end) if end >= 0 else None
        if length is None:
            return None
        whole = end + 4 + int(length[1])
        if len(self._buffer) < whole:
            return None
        body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
        return body


def _obey() -> None:
    global _counts  # noqa: PLW0603 - one count per process is the point
    order = sys.stdin.readline().strip()
    if not order:
        asyncio.get_running_loop().stop()  # the bench is gone
        return
    if order == "reset":
        _counts = Counts()
    print(json.dumps(_counts.report()), flush=True)


async def _serve(certificate: str) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    server = await asyncio.get_running_loop().create_server(Line, "127.0.0.1", 0, ssl=tls, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    asyncio.get_running_loop().add_reader(sys.stdin, _obey)


class Stub:
    """The stub as the bench holds it: a process, its address and its counts."""

    def __init__(self, certificate: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.stub", str(certificate)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.pid = self._process.pid

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"https://127.0.0.1:{self.port}"

    def reset(self) -> None:
        """Count from nothing."""
        self._say("reset")

    def report(self) -> dict[str, Any]:
        """What arrived since the reset."""
        return self._say("report")

    def _say(self, order: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def __enter__(self) -> Self:
        """It runs since it was made."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    loop.run_until_complete(_serve(sys.argv[1]))
    loop.run_forever()
