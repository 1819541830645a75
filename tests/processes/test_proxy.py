"""The proxy that we ship, before a real web part, worker and Flower: who gets in, what comes through (issue 7; P10).

The very Caddyfile of docker-compose.yml, with other addresses. Debian's Caddy 2.6 knows an older word for reading a
whole request first; the container's knows only the newer one.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import http.server
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest
import yaml

from config.keys import embedded_keys, sandbox_account
from tests.processes.commands import ROOT
from tests.processes.houses import RunningHouse, settled_home
from tests.processes.witness import until
from tests.web.provider import FORM, INBOUND, LAKESIDE, STATUS, new_sid, signature
from worker.sandbox.demo import free_ports
from worker.sandbox.house import answers
from worker.sandbox.process import Part, end, grace, launch

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.processes

CADDY = shutil.which("caddy")
CADDYFILE = ROOT / "config" / "proxy" / "Caddyfile"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
LOGIN = "operator:only-operators-know"
SECURITY = ("content-security-policy", "referrer-policy", "x-content-type-options", "x-frame-options",
            "cross-origin-opener-policy", "strict-transport-security")  # fmt: skip


def flower_options():
    """What docker-compose.yml starts Flower with, but for its address."""
    words = COMPOSE["flower"]["command"][-1].split(" exec celery ")[1].split()
    return [word for word in words if not word.startswith(("--address=", "--port="))]


def proxy(home, *, alive, **env):
    """The proxy as a part, at home in a folder of its own; `alive` is the port of its health check."""
    env |= {"PROXY_ALIVE_PORT": str(alive), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home), "HOME": str(home)}
    version = subprocess.run((CADDY, "version"), capture_output=True, text=True, check=True).stdout
    if [int(each) for each in re.findall(r"\d+", version)[:2]] < [2, 7]:
        env["PROXY_BUFFER"] = "buffer_requests"
    argv = (CADDY, "run", "--config", str(CADDYFILE), "--adapter", "caddyfile")
    return Part(name="proxy", argv=argv, env=env, ready=lambda: answers(f"http://127.0.0.1:{alive}/alive"))


class ProxiedHouse(RunningHouse):
    """Redis, web part and worker, Flower, and Caddy in front; no beat and no provider, for nothing is due."""

    def __init__(self, home: Path) -> None:
        with contextlib.ExitStack() as until_the_house_has_its_own:
            taken = [until_the_house_has_its_own.enter_context(socket.create_server(("", 0))) for _ in range(4)]
            self.https, self.http, self.alive, self.flower = (each.getsockname()[1] for each in taken)
            self.public_url = f"https://localhost:{self.https}"
            super().__init__(home, PUBLIC_URL=self.public_url, TRUSTED_PROXIES="1")
        self.account, self.token = sandbox_account(embedded_keys(home)["SECRET_KEY"])

    def parts(self):
        kept = [part for part in self.house.parts if part.name in {"redis", "web", "worker"}]
        return [*kept, self._flower(), self._proxy()]

    def _flower(self):
        own = f"http://127.0.0.1:{self.flower}"
        argv = [sys.executable, "-m", "celery", *flower_options(), "--address=127.0.0.1", f"--port={self.flower}"]
        env = {**self.env, "FLOWER_BASIC_AUTH": LOGIN}
        return Part(name="flower", argv=tuple(argv), env=env, ready=lambda: answers(f"{own}/flower/healthcheck"))

    def _proxy(self):
        return proxy(
            self.home / "caddy", alive=self.alive,
            PUBLIC_URL=self.public_url, PROXY_HTTP_PORT=str(self.http),
            PROXY_WEB=f"127.0.0.1:{self.house.plan.port}", PROXY_FLOWER=f"127.0.0.1:{self.flower}",
        )  # fmt: skip

    def ask(self, path, *, body=None, **headers):
        """Status, headers (a list) and body of an answer through the proxy, over TLS that its own root vouches for."""
        line = http.client.HTTPSConnection("localhost", self.https, context=self.trust(), timeout=20)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        line.request("GET" if body is None else "POST", path, body=body, headers=named)
        answer = line.getresponse()
        said = answer.status, [(name.lower(), value) for name, value in answer.getheaders()], answer.read()
        line.close()
        return said

    def trust(self):
        """TLS that believes the proxy's own root alone."""
        return ssl.create_default_context(
            cafile=self.home / "caddy" / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        )

    def begin(self, path, body):
        """A POST that never gets farther than the beginning of its body."""
        line = self.trust().wrap_socket(
            socket.create_connection(("127.0.0.1", self.https)), server_hostname="localhost"
        )
        named = {
            "Host": f"localhost:{self.https}",
            "Content-Type": FORM,
            "Content-Length": 1000,
            "X-Twilio-Signature": "?",
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        line.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        return line

    def stop(self):
        """A text as the provider posts it."""
        said = {"MessageSid": new_sid(), "From": "+12125550123", "To": LAKESIDE, "Body": "STOP ñ"}
        return {"AccountSid": self.account, **said}

    def hook(self, path, fields, *, token=""):
        """A signed webhook, through the proxy; its status."""
        signed = signature(token or self.token, self.public_url + path, fields.items())
        return self.ask(path, body=urlencode(fields), Content_Type=FORM, X_Twilio_Signature=signed)[0]

    def log(self, part):
        """What a part said."""
        return (self.home / "log" / f"{part}.log").read_text(encoding="utf-8")


needs_caddy = pytest.mark.skipif(
    CADDY is None, reason="CADDY IS NOT INSTALLED: no proxy was tried (Debian: apt-get install caddy)"
)


class HangsUp(http.server.BaseHTTPRequestHandler):
    """Answers a line's first request and promises more, then closes as the second arrives: gunicorn after a pause."""

    protocol_version = "HTTP/1.1"
    answered = False

    def do_POST(self):
        """200, and nothing after it."""
        self.close_connection = self.answered
        if not self.answered:
            self.answered = True
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_):
        """Nothing: the test says what came back."""


@needs_caddy
def test_a_stop_is_never_posted_on_a_line_that_is_being_closed(tmp_path):
    """P2: a web part may close a line at any moment; the proxy opens one for each request and none answers 502."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), HangsUp) as web, contextlib.ExitStack() as closing:
        threading.Thread(target=web.serve_forever).start()
        closing.callback(web.shutdown)
        port = free_ports(2)
        behind = {"PUBLIC_URL": f"http://localhost:{port}", "PROXY_WEB": f"127.0.0.1:{web.server_port}"}
        part = proxy(tmp_path, alive=port + 1, **behind)
        caddy = launch(part.argv, part.env, tmp_path / "log")
        closing.callback(end, caddy, within=grace(10))
        until(part.ready)
        line = http.client.HTTPConnection("localhost", port, timeout=20)
        for _ in range(5):
            line.request("POST", INBOUND, body=b"Body=STOP")
            answer = line.getresponse()
            answer.read()
            assert answer.status == 200
        line.close()


@needs_caddy
def test_flower_wants_a_login_webhooks_come_through_and_nothing_else_does(tmp_path):
    """One house with its proxy, from its first page to the death of its web part."""
    with ProxiedHouse(settled_home(tmp_path / "home")) as house:
        _flower_wants_its_login(house)
        _pages_come_through(house)
        _webhooks_come_through(house)
        _a_stop_does_not_wait_for_slow_senders(house)
        _what_was_asked_for_is_in_no_log(house)


def _flower_wants_its_login(house):
    """401 without it, and with it the worker is listed; nothing can be changed there, and its metrics stay inside."""
    login, wrong = (
        {"Authorization": f"Basic {base64.b64encode(each.encode()).decode()}"} for each in (LOGIN, "o:guess")
    )
    pages = ("/flower/", "/flower/workers", "/flower/tasks", "/flower/broker", "/flower/api/workers")
    assert [house.ask(path)[0] for path in pages] == [401] * len(pages)
    assert house.ask("/flower/", **wrong)[0] == 401
    until(lambda: b"aftercare-" in house.ask("/flower/workers", **login)[2], seconds=20)
    workers = json.loads(house.ask("/flower/api/workers?refresh=1", **login)[2])
    assert [name.startswith("aftercare-") for name in workers] == [True]
    status, _, why = house.ask(f"/flower/api/worker/shutdown/{quote(next(iter(workers)))}", body="", **login)
    assert (status, b"Read only" in why) == (403, True)
    closed = ("/flower/metrics", "/flower/metrics/", "/flower//metrics", "/FLOWER/metrics", "/flower/%6Detrics",
              "/flower/x/../metrics", "/flower/healthcheck", "/metrics", "/flowermetrics")  # fmt: skip
    assert {path: house.ask(path, **login)[0] for path in closed} == dict.fromkeys(closed, 404)
    _, headers, page = house.ask("/flower/", **login)
    cookies = [value for name, value in headers if name == "set-cookie"]
    assert cookies
    assert all(each.endswith("; Path=/flower/; Secure; HttpOnly; SameSite=Strict") for each in cookies)
    inline = [each for each in re.findall(rb"<script[^>]*>(.*?)</script>", page, re.DOTALL) if each]
    allowed = [base64.b64encode(hashlib.sha256(each).digest()).decode() for each in inline]
    assert re.findall(r"'sha256-([^']+)'", dict(headers)["content-security-policy"]) == allowed
    assert house.ask("/flower")[0] == 302


def _pages_come_through(house):
    """Each header is said once, and a form of ours is taken, one from elsewhere not."""
    assert house.ask("/healthz")[0] == 200
    status, headers, page = house.ask("/login")
    told = [name for name, _ in headers]
    assert (status, [told.count(name) for name in SECURITY]) == (200, [1] * len(SECURITY))
    assert len(told) == len({*told})
    assert "server" not in told
    cookie = dict(headers)["set-cookie"].split(";")[0]
    form = re.search(r'csrfmiddlewaretoken" value="([^"]+)', page.decode())[1]
    said = urlencode({"login": "sam@lakeside.example", "password": "no", "csrfmiddlewaretoken": form})
    named = {"Content_Type": FORM, "Cookie": cookie, "Referer": house.public_url}
    assert house.ask("/login", body=said, Origin=house.public_url, **named)[0] == 200
    assert house.ask("/login", body=said, Origin="https://elsewhere.example", **named)[0] == 403
    assert house.ask("/imports", body=b"x" * 1_500_000)[0] != 413  # a file of clients may be large
    assert house.ask("/imports", body=b"", Content_Length="40000000")[0] == 413


def _webhooks_come_through(house):
    """As they were signed, over PUBLIC_URL: nothing on the way writes a path or a query anew."""
    assert house.hook(INBOUND, house.stop()) == 200
    assert house.hook(INBOUND, house.stop(), token="forged") == 403
    odd = f"{STATUS}?d={'a' * 32}&x=%7E%2f+b"
    assert house.hook(odd, house.stop()) == 404  # genuine, and of no attempt of ours
    assert house.hook(odd, house.stop(), token="forged") == 403
    assert house.hook(INBOUND, house.stop() | {"Body": "x" * 1_000_000}) == 413


def _a_stop_does_not_wait_for_slow_senders(house):
    """More of them than the web part has threads wait at the proxy, and it does not."""
    slow = [house.begin(INBOUND, b"From=") for _ in range(12)]
    time.sleep(0.5)
    began = time.monotonic()
    assert house.hook(INBOUND, house.stop()) == 200
    assert time.monotonic() - began < 3
    for line in slow:
        line.close()


def _what_was_asked_for_is_in_no_log(house):
    """An address may be somebody's key: not when plain HTTP leads to TLS, not while the web part is away."""
    with socket.create_connection(("127.0.0.1", house.http)) as plain:
        plain.sendall(b"GET /u/a-key-of-hers HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert plain.recv(200).startswith(b"HTTP/1.1 308 ")
    os.killpg(house.supervisor.pids()["web"], signal.SIGKILL)
    assert house.ask("/u/a-key-of-hers")[0] == 404  # it waited until the supervisor had started another
    os.killpg(house.supervisor.pids()["flower"], signal.SIGKILL)
    assert house.ask("/flower/worker/a-key-of-hers")[0] == 502
    assert '"status":502' in house.log("proxy")
    assert "a-key-of-hers" not in house.log("proxy") + house.log("web")
