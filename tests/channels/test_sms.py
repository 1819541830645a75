"""What each answer of the provider proves of a text, over a real socket (rules 81, 84): only "surely not" may retry."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

from worker import clock
from worker.channels.base import Accepted, NotStarted, Refused, Sms, TryLater, Unknown
from worker.channels.sms import SmsChannel

SID = "SM" + "0" * 32
TEXT = Sms(
    attempt_id="a1", to="+12125550123", sender="+12125550100", account_sid="AC" + "0" * 32, auth_token="t",
    body="Hello", status_callback="http://127.0.0.1/hooks", validity_seconds=60,
)  # fmt: skip


def _answer(status, body, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} X",
        f"Content-Length: {len(raw)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + raw


def _error(status, code, **headers):
    return _answer(status, {"code": code, "message": "no", "more_info": "", "status": status}, **headers)


def _outcome(answer, *, late=0.0):
    """What one text comes to when the provider's side says `answer` and hangs up; also how many requests it got."""

    async def _ask():
        heard = []

        async def _provider(reader, writer):
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                heard.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(answer)
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(_provider, "127.0.0.1", 0)
        async with server:
            channel = SmsChannel(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", 5.0)
            (slot,) = await channel.reserve(1)
            outcome = await channel.send(slot, TEXT, clock.running() - late)
            slot.close()
        return outcome, len(heard)

    return asyncio.run(_ask())


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (_answer(201, {"sid": SID, "num_segments": "2"}), Accepted(SID, 2)),
        (_error(429, 20429, **{"Retry-After": "7"}), TryLater("20429", 7.0)),
        (_error(429, 20429), TryLater("20429", None)),
        (_error(400, 21610), Refused("21610", 400)),
        (_error(401, 20003), Refused("20003", 401)),
        (_answer(404, {}), Refused("", 404)),
        (_error(500, 20500), Unknown("http 500")),
        (_error(503, 20503), Unknown("http 503")),
        (_answer(502, b"<html>bad gateway</html>"), Unknown("http 502")),
        (_answer(201, b"not json"), Unknown("the answer could not be read")),
        (b"", Unknown("the connection was closed")),
        (_answer(201, b"{}")[:-2], Unknown("the connection was closed")),
    ],
)
def test_an_answer_is_sorted_and_never_asked_twice(answer, outcome):
    """P4: 5xx, half an answer and none at all may have gone out; the package repeats nothing by itself."""
    assert _outcome(answer) == (outcome, 1)


def test_too_late_writes_nothing():
    """P2: more than a second after its decision not a byte leaves."""
    outcome, heard = _outcome(_answer(201, {"sid": SID}), late=1.1)
    assert (type(outcome), heard) == (NotStarted, 0)
