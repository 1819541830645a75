"""Start the outside: `python -m worker.sandbox.provider --help`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import ssl
import sys
from typing import TYPE_CHECKING, cast

from aiohttp import web

from .api import Api
from .control import Control
from .options import Options, parse
from .outside import Outside
from .pages import Pages

if TYPE_CHECKING:
    from collections.abc import Sequence

_STOP_TIME = 0.2  # seconds for answers under way; SIGTERM is over in less than 1 s


def main(arguments: list[str] | None = None) -> None:
    """Run until SIGTERM or SIGINT."""
    options = parse(arguments)
    # The witness keeps all it saw; without this, full collections over it would cost more than the work.
    gc.set_threshold(50_000, 20, 100)
    gc.freeze()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(options))


async def serve(options: Options) -> None:
    """Listen, print one line `ready http=PORT smtp=PORT` (and ` api=PORT`), and wait for the signal to end."""
    outside = Outside(options)
    tls = _tls(options)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await outside.hooks.start()
    api = Api(outside)
    everything = [*api.routes(), *Control(outside).routes(), *Pages(outside).routes()]
    front = await _listen(everything, options.host, options.port, tls)
    smtp = await loop.create_server(lambda: outside.mailroom.protocol(tls), options.host, options.smtp_port)
    ready = f"ready http={front.port} smtp={smtp.sockets[0].getsockname()[1]}"
    back = None
    if options.api_port is not None:
        back = await _listen(api.routes(), options.host, options.api_port, tls)
        outside.on_outage = back.shut
        ready += f" api={back.port}"
    sys.stdout.write(ready + "\n")
    sys.stdout.flush()
    await stop.wait()
    smtp.close()
    for door in (front, back):
        if door is not None:
            await door.close()
    await outside.carrier.stop()
    await outside.hooks.stop()
    outside.witness.close()


def _tls(options: Options) -> ssl.SSLContext | None:
    if options.tls_cert is None or options.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options.tls_cert, options.tls_key)
    return context


class Door:
    """One listening port, which an outage may shut and open again."""

    def __init__(self, runner: web.AppRunner, host: str, tls: ssl.SSLContext | None) -> None:
        """Stand before `runner`'s handlers."""
        self._runner, self._host, self._tls = runner, host, tls
        self._site: web.TCPSite | None = None
        self.port = 0

    async def open(self, port: int) -> None:
        """Listen on `port` (0: any), and keep to that port from then on."""
        self._site = web.TCPSite(self._runner, self._host, port, ssl_context=self._tls, backlog=1024)
        await self._site.start()
        self.port = cast("tuple[str, int]", self._runner.addresses[0])[1]

    async def shut(self, outage: bool) -> None:
        """Refuse connections (ECONNREFUSED) and cut those that are open; or listen again."""
        if outage and self._site is not None:
            await self._site.stop()
            self._site = None
            server = self._runner.server
            for connection in [] if server is None else server.connections:
                if connection.transport is not None:
                    connection.transport.abort()
        elif not outage and self._site is None:
            await self.open(self.port)

    async def close(self) -> None:
        """Stop listening for good."""
        await self._runner.cleanup()


async def _listen(routes: Sequence[web.RouteDef], host: str, port: int, tls: ssl.SSLContext | None) -> Door:
    app = web.Application(client_max_size=256 * 1024)
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_TIME)
    await runner.setup()
    door = Door(runner, host, tls)
    await door.open(port)
    return door


if __name__ == "__main__":
    main()
