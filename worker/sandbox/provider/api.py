"""Twilio's Messages resource over HTTP, as the real `twilio` package speaks it."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp import web

from . import console
from .create import Draft, check, read_form
from .listing import listed
from .messages import Message, new_sid
from .problems import NOT_FOUND, OPTED_OUT, UNAUTHORISED, Problem, RefusedError
from .segments import segments

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from .faults import ApiFault
    from .outside import Outside

_CANCELLED = frozenset({"canceled"})
_IN_MOTION = frozenset({"accepted", "queued", "sending"})
_BROKEN = {
    "429": Problem(20429, "Too Many Requests", 429),
    "500": Problem(20500, "Internal Server Error", 500),
    "503": Problem(20503, "Service Unavailable", 503),
}


class Answer(NamedTuple):
    """What the caller gets: status, JSON body (None for 204), and what has to happen before it leaves."""

    status: int
    body: dict[str, Any] | None
    message: Message | None = None
    before: Coroutine[None, None, None] | None = None


class Api:
    """The handlers. All that counts is decided in one go when the request is read; only the answer is ever late."""

    def __init__(self, outside: Outside) -> None:
        """Serve `outside`."""
        self._outside = outside
        secret = f"{outside.options.account_sid}:{outside.options.auth_token}"
        self._credentials = b"Basic " + base64.b64encode(secret.encode())
        self._in_flight = 0

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the resource."""
        every = "/2010-04-01/Accounts/{account}/Messages.json"
        one = "/2010-04-01/Accounts/{account}/Messages/{sid}.json"
        return [
            web.post(every, self.create),
            web.get(every, self.list_page, allow_head=False),
            web.get(one, self.fetch, allow_head=False),
            web.post(one, self.update),
            web.delete(one, self.delete),
            web.get("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json", self.numbers, allow_head=False),
            web.get("/v1/Services/{service}", self.service, allow_head=False),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """Accept, refuse or strike a create; no header makes it idempotent (rule 77)."""
        at = self._outside.clock.machine()
        self._in_flight += 1
        try:
            raw = await request.read()
            fault = self._outside.weather.api("create")
            pairs: list[tuple[str, str]] = []
            try:
                self._authorise(request)
                pairs = read_form(raw)
                answer = self._created(pairs, fault)
            except RefusedError as refused:
                answer = Answer(refused.problem.status, refused.problem.shown())
            answer = self._spoilt(answer, fault)
            self._testify("create", at, answer, fault, params=_plain(pairs), in_flight=self._in_flight)
            return await self._send(request, answer, fault)
        finally:
            self._in_flight -= 1

    async def list_page(self, request: web.Request) -> web.Response:
        """Answer a filtered page of messages, newest first (rule 80)."""
        return await self._read(request, "list", lambda: listed(self._outside, request))

    async def fetch(self, request: web.Request) -> web.Response:
        """Answer one message."""
        return await self._read(request, "fetch", lambda: self._find(request).shown())

    async def update(self, request: web.Request) -> web.Response:
        """Redact a body (Body="") or cancel a scheduled message (Status=canceled)."""
        raw = await request.read()
        return await self._read(request, "update", lambda: self._updated(self._find(request), read_form(raw)))

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a message that has come to its end."""
        return await self._read(request, "delete", lambda: self._deleted(self._find(request)), done=204)

    async def numbers(self, request: web.Request) -> web.Response:
        """Answer whom a number calls."""
        return await self._read(request, "numbers", lambda: console.numbers(self._outside, request))

    async def service(self, request: web.Request) -> web.Response:
        """Answer whom a messaging service calls; its address names no account."""
        sid = request.match_info["service"]
        return await self._read(request, "service", lambda: console.service(self._outside, sid))

    def _authorise(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(errors="replace"), self._credentials):
            raise RefusedError(UNAUTHORISED)
        account = self._outside.options.account_sid
        if request.match_info.get("account", account) != account:
            raise RefusedError(NOT_FOUND)

    def _created(self, pairs: list[tuple[str, str]], fault: ApiFault | None) -> Answer:
        draft = check(pairs)
        if self._blocks(draft):
            raise RefusedError(OPTED_OUT)
        if fault is not None and not (fault.accepted or fault.kind == "drop"):
            return Answer(0, None)
        message = self._message(draft)
        body = message.shown()
        self._outside.store.keep(message)
        # Never sent from here: rule 21 forbids scheduling at the provider, so only the cancelling is of use.
        before = None if draft.scheduled else self._outside.carrier.take(message)
        return Answer(201, body, message, before)

    def _blocks(self, draft: Draft) -> bool:
        if self._outside.weather.now.optout == "off":
            return False
        sender = draft.service or draft.sender or ""
        return self._outside.blocked.blocks(sender=sender, phone=draft.to)

    def _message(self, draft: Draft) -> Message:
        now = self._outside.clock.calendar()
        status = "scheduled" if draft.scheduled else "accepted" if draft.service else "queued"
        return Message(
            sid=new_sid(media=draft.media > 0),
            account_sid=self._outside.options.account_sid,
            to=draft.to,
            sender=draft.sender,
            service=draft.service,
            body=draft.body,
            direction="outbound-api",
            status=status,
            created=now,
            updated=now,
            # Rule 86: with a service no sender is chosen yet, so no part is counted.
            parts=0 if draft.service else segments(draft.body),
            media=draft.media,
            callback=draft.callback,
            validity=draft.validity,
            entered=self._outside.clock.machine(),
        )

    def _spoilt(self, answer: Answer, fault: ApiFault | None) -> Answer:
        """Put the fault's own answer in place of ours; status 0 stands for none."""
        if fault is None:
            return answer
        problem = _BROKEN.get(fault.kind)
        if problem is None:
            return Answer(0, None, answer.message, answer.before)
        return Answer(problem.status, problem.shown(), answer.message, answer.before)

    def _testify(self, kind: str, at: float, answer: Answer, fault: ApiFault | None, **facts: Any) -> None:
        self._outside.witness.saw(
            kind,
            at=at,
            sid=answer.message.sid if answer.message else None,
            accepted=answer.message is not None,
            answer={"status": answer.status or None, "code": (answer.body or {}).get("code")},
            fault=fault.kind if fault else None,
            **facts,
        )

    async def _send(self, request: web.Request, answer: Answer, fault: ApiFault | None) -> web.Response:
        if answer.before is not None:
            await answer.before
        if self._outside.weather.now.latency_ms:
            await asyncio.sleep(self._outside.weather.now.latency_ms / 1000)
        if answer.status == 0:
            _hang_up(request, abruptly=fault is not None and fault.kind == "refuse")
            return web.Response()
        body = b"" if answer.body is None else json.dumps(answer.body).encode()
        response = web.Response(status=answer.status, body=body, content_type="application/json")
        if fault is not None and fault.retry_after is not None:
            response.headers["Retry-After"] = str(fault.retry_after)
        if answer.status == UNAUTHORISED.status:
            response.headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
        return response

    async def _read(self, request: web.Request, kind: str, work: Any, *, done: int = 200) -> web.Response:
        at = self._outside.clock.machine()
        fault = self._outside.weather.api("read")
        try:
            self._authorise(request)
            spoils = fault is not None and not (fault.accepted or fault.kind == "drop")
            answer = Answer(0, None) if spoils else Answer(done, work())
        except RefusedError as refused:
            answer = Answer(refused.problem.status, refused.problem.shown())
        answer = self._spoilt(answer, fault)
        self._testify(kind, at, answer, fault, path=request.path_qs)
        return await self._send(request, answer, fault)

    def _find(self, request: web.Request) -> Message:
        message = self._outside.store.by_sid.get(request.match_info["sid"])
        if message is None:
            raise RefusedError(NOT_FOUND)
        return message

    def _updated(self, message: Message, pairs: list[tuple[str, str]]) -> dict[str, Any]:
        form = dict(pairs)
        if not form or set(form) - {"Body", "Status"} or len(form) != len(pairs):
            raise RefusedError(Problem(20001, "Give Body or Status, once, and nothing else"))
        if form.get("Body", ""):
            raise RefusedError(Problem(20001, "Body may only be made empty"))
        if "Status" in form:
            self._cancel(message, form["Status"])
        if "Body" in form:
            _settled(message)
            message.body = ""
        message.updated = self._outside.clock.calendar()
        return message.shown()

    def _cancel(self, message: Message, status: str) -> None:
        if status not in _CANCELLED:
            raise RefusedError(Problem(20001, "Status may only become canceled"))
        if message.status != "scheduled":
            raise RefusedError(Problem(30409, "This message cannot be canceled"))
        message.status = status

    def _deleted(self, message: Message) -> None:
        _settled(message)
        self._outside.store.forget(message)


def _settled(message: Message) -> None:
    if message.status in _IN_MOTION:
        raise RefusedError(Problem(20009, "Delivery has not been completed", 409))


def _plain(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Make parameters readable; a name given more than once keeps all its values in a list."""
    plain: dict[str, Any] = {}
    for name, value in pairs:
        plain[name] = (
            [*([plain[name]] if isinstance(plain[name], str) else plain[name]), value] if name in plain else value
        )
    return plain


def _hang_up(request: web.Request, *, abruptly: bool) -> None:
    transport = request.transport
    if transport is None:
        return
    if abruptly:
        transport.abort()
    else:
        transport.close()
