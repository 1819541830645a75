"""A mail provider's HTTP side on loopback: keeps every request, answers as its test says."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

HANGS_UP, HANGS, BREAKS = 0, -1, -2
ANSWERS = {
    "postmark": '{"To": "alice@example.com", "MessageID": "pm-1", "ErrorCode": 0, "Message": "OK"}',
    "mailgun": '{"id": "<mg-1@mail.clinic.example>", "message": "Queued. Thank you."}',
    "sparkpost": '{"results": {"id": "sp-1", "total_accepted_recipients": 1, "total_rejected_recipients": 0}}',
}


@dataclass
class Post:
    """One request for a mail."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Provider:
    """What a POST is answered with, and every one that came.

    Status 0 hangs up after it, -1 never answers (`outlasted` when the other side was still waiting after 15 s), and
    -2 breaks the connection while it is being written.
    """

    body: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    heads: int = 0
    outlasted: bool = False
    port: int = 0
    done: threading.Event = field(default_factory=threading.Event)


class Server(ThreadingHTTPServer):
    block_on_close = False
    state: Provider

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a handshake that the client gave up is the test's point


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_HEAD(self) -> None:
        self.server.state.heads += 1
        self.answer(404, "")

    def do_POST(self) -> None:
        state = self.server.state
        self.close_connection = state.status <= 0
        if state.status == BREAKS:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        state.posts.append(Post(self.path, dict(self.headers.items()), sent))
        if state.status > 0:
            self.answer(state.status, state.body)
        elif state.status == HANGS:
            state.outlasted = not state.done.wait(15)

    def answer(self, status: int, body: str) -> None:
        self.send_response(status)
        for name, value in {**self.server.state.headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def provider(
    body: str = ANSWERS["postmark"],
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Provider]:
    state = Provider(body, status, headers or {})
    with Server(("127.0.0.1", 0), Handler) as server:
        server.state, state.port = state, server.server_address[1]
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            state.done.set()
            server.shutdown()
            thread.join()
