"""/sandbox/...: faults, the log, quiet, replies and unsubscribing, for tests and rehearsals. All JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .unsubscribe import unsubscribe

if TYPE_CHECKING:
    from .outside import Outside

_LONGEST_PAGE = 5000


class Control:
    """The handlers; a refusal is 400 with {"error": "field: what is wrong"} and changes nothing."""

    def __init__(self, outside: Outside) -> None:
        """Serve `outside`."""
        self._outside = outside

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/sandbox/faults", self.show_faults),
            web.post("/sandbox/faults", self.set_faults),
            web.delete("/sandbox/faults", self.clear_faults),
            web.get("/sandbox/log", self.log),
            web.get("/sandbox/quiet", self.quiet),
            web.post("/sandbox/reply", self.reply),
            web.post("/sandbox/unsubscribe", self.unsubscribe),
        ]

    async def show_faults(self, _request: web.Request) -> web.Response:
        """Show the faults in force."""
        return web.json_response(self._outside.weather.shown())

    async def set_faults(self, request: web.Request) -> web.Response:
        """Replace the faults that are named; the others stay."""
        asked = await _json(request)
        try:
            self._outside.weather.change(asked)
        except ValueError as error:
            raise _bad(str(error)) from None
        self._outside.witness.saw("faults", asked=asked)
        await self._outside.weather_changed()
        return web.json_response(self._outside.weather.shown())

    async def clear_faults(self, _request: web.Request) -> web.Response:
        """End all faults."""
        self._outside.weather.clear()
        self._outside.witness.saw("faults", asked={})
        await self._outside.weather_changed()
        return web.json_response(self._outside.weather.shown())

    async def log(self, request: web.Request) -> web.Response:
        """Entries after `after`, at most `limit`, of the kinds in `kind` (a,b); `next` is the next `after`."""
        query = request.query
        kinds = frozenset(query["kind"].split(",")) if query.get("kind") else frozenset()
        entries, following = self._outside.witness.page(
            after=_whole(query.get("after", "0"), "after", 10**9),
            limit=max(1, _whole(query.get("limit", "1000"), "limit", _LONGEST_PAGE)),
            kinds=kinds,
        )
        return web.json_response({"entries": entries, "next": following, "last": self._outside.witness.last()})

    async def quiet(self, _request: web.Request) -> web.Response:
        """Say whether anything is still on its way."""
        return web.json_response(self._outside.quiet())

    async def reply(self, request: web.Request) -> web.Response:
        """A client writes: {phone, body, to?, wait?}; with wait (the default) answers when the webhook is through."""
        asked = await _object(request, required={"phone": str, "body": str}, optional={"to": str, "wait": bool})
        try:
            message = self._outside.phones.write(asked["phone"], asked["body"], asked.get("to"))
        except ValueError as error:
            raise _bad(str(error)) from None
        delivery = self._outside.phones.deliver(message)
        shown: dict[str, Any] = {"sid": message.sid, "to": message.to}
        if asked.get("wait", True):
            return web.json_response({**shown, "hook": await delivery})
        self._outside.carrier.background(delivery)
        return web.json_response({**shown, "hook": None}, status=202)

    async def unsubscribe(self, request: web.Request) -> web.Response:
        """Press the unsubscribe button of the newest mail to {email}."""
        asked = await _object(request, required={"email": str})
        mail = self._outside.mailroom.newest(asked["email"])
        if mail is None:
            raise _bad("email: no mail has come to this address")
        try:
            return web.json_response(await unsubscribe(self._outside, mail))
        except ValueError as error:
            raise _bad(str(error)) from None


def _bad(error: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=json.dumps({"error": error}), content_type="application/json")


async def _json(request: web.Request) -> Any:
    # A page elsewhere can make a browser send forms here, but not JSON: that needs a preflight, which gets 405.
    if request.content_type != "application/json":
        raise _bad("Content-Type: application/json is needed")
    try:
        return json.loads(await request.read())
    except ValueError:
        raise _bad("body: not JSON") from None


async def _object(
    request: web.Request, *, required: dict[str, type], optional: dict[str, type] | None = None
) -> dict[str, Any]:
    asked = await _json(request)
    known = required | (optional or {})
    if not isinstance(asked, dict):
        raise _bad("body: a JSON object is needed")
    for name in required.keys() - asked.keys():
        raise _bad(f"{name}: is missing")
    for name, value in asked.items():
        if name not in known:
            raise _bad(f"{name[:40]}: is unknown")
        if not isinstance(value, known[name]):
            raise _bad(f"{name}: must be of type {known[name].__name__}")
    return asked


def _whole(text: str, name: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > most:
        raise _bad(f"{name}: a whole number up to {most} is needed")
    return int(text)
