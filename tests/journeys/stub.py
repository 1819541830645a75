"""A stranger that speaks Twilio's Messages resource: standard library only, nothing shared with the sandbox."""

from __future__ import annotations

import base64
import itertools
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qsl

ACCOUNT, TOKEN = "AC" + "7" * 32, "a token of no use anywhere else"


@dataclass(frozen=True, slots=True)
class Post:
    """One request as it came."""

    path: str
    login: str
    kind: str
    form: list[tuple[str, str]]

    @property
    def fields(self) -> dict[str, str]:
        """The form, each name once."""
        assert len(dict(self.form)) == len(self.form)
        return dict(self.form)


@dataclass(slots=True)
class Stub:
    """The server; `posts` is all it ever heard, other methods included."""

    posts: list[Post] = field(default_factory=list)
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Self:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.posts))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.server is not None
        self.server.shutdown()
        self.server.server_close()


def login(account: str = ACCOUNT, token: str = TOKEN) -> str:
    """What HTTP Basic makes of it (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{account}:{token}".encode()).decode()


def _handler(posts: list[Post]) -> type[BaseHTTPRequestHandler]:
    numbers = itertools.count(1)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = parse_qsl(raw, keep_blank_values=True, strict_parsing=True)
            posts.append(Post(self.path, self.headers["Authorization"], self.headers["Content-Type"], form))
            said = dict(form)
            body = {"sid": f"SM{next(numbers):032x}", "account_sid": ACCOUNT, "status": "queued", "num_segments": "1"}
            body |= {"to": said.get("To"), "from": said.get("From"), "body": said.get("Body"), "error_code": None}
            answer = json.dumps(body).encode()
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    return Handler
