"""The raw limit: one process that does nothing but post the same request over 64 open TLS connections.

`python -m tests.bench.poster HOST PORT CA COUNT` sends COUNT requests and prints its CPU seconds.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
from urllib.parse import urlencode

CONNECTIONS = 64
FORM = {
    "To": "+447700900000",
    "From": "+442079460100",
    "Body": "Bench Skin Clinic: your notes for the first days are here, with what to expect: "
    "https://care.bench.example/c/AAAAAAAAAAAAAAAAAAAAAAAA Urgent? Call +442079460100. Reply STOP to end.",
    "StatusCallback": f"https://care.bench.example/hooks/twilio/status?d={'0' * 32}",
    "ValidityPeriod": "14400",
}
BODY = urlencode(FORM).encode()
REQUEST = (
    b"POST /2010-04-01/Accounts/AC/Messages.json HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic QUM6c2VjcmV0\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nAccept: application/json\r\nContent-Length: %d\r\n\r\n"
    % len(BODY)
) + BODY


class Poster(asyncio.Protocol):
    """Sends the next request as soon as the answer to the last is here."""

    left = 0
    done: asyncio.Future[None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._post()

    def data_received(self, data: bytes) -> None:
        """An answer is one small packet."""
        if b"\r\n\r\n" in data:
            self._post()

    def _post(self) -> None:
        if Poster.left > 0:
            Poster.left -= 1
            self._transport.write(REQUEST)
        elif not Poster.done.done():
            Poster.done.set_result(None)


async def _post(host: str, port: int, authority: str, count: int) -> None:
    tls = ssl.create_default_context(cafile=authority)
    loop = asyncio.get_running_loop()
    Poster.left, Poster.done = count, loop.create_future()
    await asyncio.gather(*(loop.create_connection(Poster, host, port, ssl=tls) for _ in range(CONNECTIONS)))
    await Poster.done


if __name__ == "__main__":
    began = time.process_time()
    asyncio.run(_post(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
    print(time.process_time() - began)
