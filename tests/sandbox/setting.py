"""What the tests hold in their hands: the running provider, a Twilio client for it, and a receiver of its hooks."""

from __future__ import annotations

import base64
import http.client
import smtplib
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode

from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from worker.sandbox.provider.client import Sandbox

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "sandbox-token"
SERVICE = "MG" + "c" * 32
CLINIC = "+13125550100"
ALICE = "+14155550111"
BOB = "+14155550122"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Heard:
    """One POST that the receiver got."""

    path: str
    form: dict[str, str]
    signature: str
    headers: dict[str, str]


@dataclass
class Receiver:
    """A tiny stand-in for the application's hooks; `answers` (status, body) come first, then 200 and `body`."""

    server: ThreadingHTTPServer
    heard: list[Heard] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)
    body: str = "<Response/>"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def valid(self, heard: Heard) -> bool:
        """True when the real package's validator accepts the signature over our full URL."""
        return RequestValidator(TOKEN).validate(self.url + heard.path, heard.form, heard.signature)

    def reset(self) -> None:
        self.heard.clear()
        self.answers.clear()
        self.body = "<Response/>"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        receiver = self.server.receiver
        raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(raw, keep_blank_values=True).items()}
        receiver.heard.append(
            Heard(self.path, form, self.headers.get("X-Twilio-Signature", ""), dict(self.headers.items()))
        )
        status, body = receiver.answers.pop(0) if receiver.answers else (200, receiver.body)
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


def open_receiver() -> Receiver:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.receiver = receiver = Receiver(server)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return receiver


class _Elsewhere(TwilioHttpClient):
    """The real HTTP client, with Twilio's host exchanged for the sandbox's."""

    def __init__(self, base, timeout):
        super().__init__(timeout=timeout, max_retries=0)
        self._base = base

    def request(self, method, url, *args, **kwargs):
        return super().request(method, url.replace("https://api.twilio.com", self._base), *args, **kwargs)


@dataclass
class Running:
    """A provider process and all that is needed to drive it."""

    process: subprocess.Popen
    http: int
    smtp: int
    api: int | None
    folder: Path
    receiver: Receiver
    sandbox: Sandbox
    twilio: Client
    impatient: Client
    extra: tuple[str, ...]
    others: list[Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    def text(self, to=ALICE, body="Hello", **more):
        """Create a message as our adapter does, with a Messaging Service unless From is given."""
        sender = {} if "from_" in more else {"messaging_service_sid": SERVICE}
        return self.twilio.messages.create(to=to, body=body, **(sender | more))

    def post_or_hang_up(self, form):
        """As `post`, with (None, {}, "") when the connection is closed without an answer."""
        try:
            return self.post(form)
        except (http.client.RemoteDisconnected, ConnectionResetError):
            return None, {}, ""

    def step_calendar(self, offset: float) -> None:
        """Set the calendar `offset` seconds ahead of the machine, as the application's own clock does it."""
        draft = self.folder / "calendar.new"
        draft.write_text(repr(float(offset)))
        draft.replace(self.folder / "calendar")

    def reach(self, port: int) -> Client:
        """Another client, for another port."""
        client = Client(ACCOUNT, TOKEN, http_client=_Elsewhere(f"http://127.0.0.1:{port}", 20))
        self.others.append(client)
        return client

    def stop(self) -> tuple[int, str]:
        """SIGTERM; returns the exit status and all that was written to stderr."""
        for client in (self.twilio, self.impatient, *self.others):
            client.http_client.session.close()
        self.process.terminate()
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, errors

    def restart(self) -> None:
        """Start a fresh process in place of one that has ended."""
        self.__dict__.update(start(self.folder, self.receiver, *self.extra).__dict__)

    def callback(self, query=""):
        return f"{self.receiver.url}/hooks/twilio/status{query}"

    def log(self, *kinds, since=0):
        return self.sandbox.log(*kinds, after=since)

    def mark(self) -> int:
        """The newest entry's number: log(since=mark) tells what came after."""
        entries = self.sandbox.log()
        return entries[-1]["seq"] if entries else 0

    def post(self, form, *, user=ACCOUNT, token=TOKEN, headers=None):
        """A raw create, for what the package would not send."""
        path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        return self.ask("POST", path, form, user=user, token=token, headers=headers)

    def ask(self, method, path, form=None, *, user=ACCOUNT, token=TOKEN, headers=None):
        """One raw HTTP exchange: (status, headers, body text)."""
        line = http.client.HTTPConnection("127.0.0.1", self.http, timeout=20)
        body = urlencode(form) if isinstance(form, (dict, list)) else form
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        if user:
            sent["Authorization"] = "Basic " + _basic(user, token)
        try:
            line.request(method, path, body, sent)
            answer = line.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            line.close()

    def mail(self, to="alice@example.com", **headers):
        """Send a mail by real SMTP; returns smtplib's dict of refused recipients."""
        message = EmailMessage()
        message["From"] = headers.pop("sender", "Clinic <desk@clinic.example>")
        message["To"] = to
        message["Subject"] = headers.pop("subject", "Your day 1")
        text, html = headers.pop("text", "Keep it dry.\n"), headers.pop("html", None)
        for name, value in headers.items():
            message[name.replace("_", "-")] = value
        message.set_content(text)
        if html:
            message.add_alternative(html, subtype="html")
        raw = message.as_bytes(policy=SMTP.clone(max_line_length=998))
        return self.raw_mail(raw, to)

    def raw_mail(self, raw: bytes, to="alice@example.com"):
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=20) as line:
            return line.sendmail("bounce@clinic.example", [to], raw)


def _basic(user, token):
    return base64.b64encode(f"{user}:{token}".encode()).decode()


def start(folder: Path, receiver: Receiver, *extra: str) -> Running:
    """Start the real process and wait for its one line."""
    command = [sys.executable, "-m", "worker.sandbox.provider", "--port", "0", "--smtp-port", "0"]
    command += ["--account-sid", ACCOUNT, "--auth-token", TOKEN, "--public-url", receiver.url]
    command += ["--state-dir", str(folder / "state"), "--calendar-file", str(folder / "calendar"), *extra]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    if not line.startswith("ready "):
        process.kill()
        raise AssertionError(process.communicate()[1])
    ports = dict(part.split("=") for part in line.split()[1:])
    http_port = int(ports["http"])
    return Running(
        process=process,
        http=http_port,
        smtp=int(ports["smtp"]),
        api=int(ports["api"]) if "api" in ports else None,
        folder=folder,
        receiver=receiver,
        sandbox=Sandbox(f"http://127.0.0.1:{http_port}"),
        twilio=Client(ACCOUNT, TOKEN, http_client=_Elsewhere(f"http://127.0.0.1:{http_port}", 20)),
        impatient=Client(ACCOUNT, TOKEN, http_client=_Elsewhere(f"http://127.0.0.1:{http_port}", 0.3)),
        extra=extra,
    )
