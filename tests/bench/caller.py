"""The open-loop caller of the STOP bench: signed texts at a fixed rate, whether or not the last ones were answered.

`python -m tests.bench.caller PORT RATE COUNT PHONE...` reads nothing, and prints one line of JSON: the milliseconds of
each answer, counted from the moment the text was due to be said, the statuses, and this process's own CPU share.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time
from collections import Counter
from urllib.parse import urlencode

from tests.bench.ground import ACCOUNT, PUBLIC_URL, TOKEN

LINES = 32
PATH = "/hooks/twilio/inbound"
WORDS = ("STOP", "Stop please", "stop texting me", "UNSUBSCRIBE", "Please remove me from your list", "END")
PATIENCE = 60.0


def request(number: int, first: int) -> bytes:
    """What the provider posts for one client's STOP (rule 91)."""
    said = {
        "AccountSid": ACCOUNT, "MessageSid": f"SM{number:032x}", "From": f"+999{first + number:08d}",
        "To": "+442079460100", "Body": WORDS[number % len(WORDS)], "NumMedia": "0", "FromCountry": "GB",
    }  # fmt: skip
    text = PUBLIC_URL + PATH + "".join(name + said[name] for name in sorted(said))
    signed = base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()
    body = urlencode(said).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Twilio-Signature: {signed}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _line(port: int, work: asyncio.Queue[tuple[float, bytes]], took: list[float], seen: Counter[str]) -> None:
    """One keep-alive connection, opened anew when the other side closed it."""
    reader = writer = None
    while True:
        due, said = await work.get()
        try:
            if writer is None or writer.is_closing():
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert reader is not None
            writer.write(said)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            await reader.readexactly(int(length.split(b":")[1]))
            seen[head.split(b" ", 2)[1].decode()] += 1
            if b"connection: close" in head.lower():
                writer.close()
        except (OSError, EOFError) as broken:
            seen[type(broken).__name__] += 1
            writer = None
        took.append(1000 * (time.monotonic() - due))
        work.task_done()


async def call(port: int, rate: float, count: int, first: int) -> dict[str, object]:
    """Say `count` STOPs, `rate` a second; the phones are numbered from `first`."""
    texts = [request(number, first) for number in range(count)]
    work: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    took: list[float] = []
    seen: Counter[str] = Counter()
    lines = [asyncio.create_task(_line(port, work, took, seen)) for _ in range(LINES)]
    began, cpu = time.monotonic(), time.process_time()
    for number, text in enumerate(texts):
        due = began + number / rate
        if (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        work.put_nowait((due, text))
    await asyncio.wait_for(work.join(), PATIENCE)
    seconds = time.monotonic() - began
    for line in lines:
        line.cancel()
    return {"ms": took, "statuses": dict(seen), "seconds": seconds, "cpu_share": (time.process_time() - cpu) / seconds}


if __name__ == "__main__":
    given_port, given_rate, given_count, given_first = sys.argv[1:5]
    print(json.dumps(asyncio.run(call(int(given_port), float(given_rate), int(given_count), int(given_first)))))
