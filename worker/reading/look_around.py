"""What `doctor` sees outside the database: the way in from the world, the disk, the strength of secrets."""

from __future__ import annotations

import shutil
import socket
import ssl
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

from config.environment import BadSetting
from worker import clock
from worker.channels import smtp
from worker.reading.engine import engine
from worker.reading.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST_SECRET = 32  # characters
SHORTEST_TOKEN = 16
LEAST_DISK = 500 * 1024 * 1024
CERTIFICATE_DAYS = 14
PATIENCE = 5.0  # seconds


def parts() -> Iterator[Finding]:
    """Who is at work; not at work yet is no fault, for a gate before a deploy asks too."""
    seen = engine()
    workers = f"{len(seen.workers)} process(es) at work" if seen.workers else "nobody at work within half a minute"
    yield Finding("workers", ok=True, says=workers)
    idle = [queue for queue, many in seen.consumers.items() if not many]
    if seen.workers and idle:
        mend = f"start a worker with --queues {','.join(idle)}"
        yield Finding("queues", ok=False, says=f"nobody takes from {', '.join(idle)}", mend=mend)
    ago = (clock.machine() - seen.last_tick).total_seconds() if seen.last_tick else None
    says = "no tick has arrived yet" if ago is None else f"its last tick arrived {ago:.0f} s ago"
    yield Finding("beat", ok=True, says=says)


def secrets() -> Iterator[Finding]:
    """Long enough, not the same twice; the values themselves are never said (P9)."""
    strong = len(settings.SECRET_KEY) >= SHORTEST_SECRET
    says = "long enough" if strong else f"shorter than {SHORTEST_SECRET} characters"
    mend = "python -m config.newkeys prints a fresh one; put the old one into SECRET_KEY_FALLBACKS"
    yield Finding("SECRET_KEY", ok=strong, says=says, mend=mend)
    apart = not set(settings.FIELD_KEYS) & {*settings.FINGERPRINT_KEYS, settings.SECRET_KEY}
    says = "each has its own" if apart else "FIELD_KEYS, FINGERPRINT_KEYS and SECRET_KEY share a key"
    yield Finding("keys", ok=apart, says=says, mend="one key for each purpose: rotate one of them (docs/privacy.md)")
    yield _metrics_token(settings.METRICS_TOKEN)


def _metrics_token(token: str) -> Finding:
    if token and len(token) < SHORTEST_TOKEN:
        mend = "python -m config.newkeys prints keys: one of that kind can't be guessed"
        return Finding("METRICS_TOKEN", ok=False, says=f"shorter than {SHORTEST_TOKEN} characters", mend=mend)
    facing = settings.PUBLIC_URL.startswith("https://")
    says = "set" if token else "none: /metrics tells nobody" if facing else "none: this machine alone"
    return Finding("METRICS_TOKEN", ok=True, says=says)


def writable(path: Path) -> bool:
    """True when that file can be made or added to here: by trying, since root may everything and a disk may not."""
    place = _folder(path)
    if path.is_dir() or place is None:
        return False
    try:
        with path.open("ab") if path.exists() else tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False


def _folder(path: Path) -> Path | None:
    """The nearest folder above that is there."""
    found = next((each for each in path.absolute().parents if each.exists()), None)
    return found if found and found.is_dir() else None


def disk() -> Iterator[Finding]:
    """Room where the heads, the embedded database and its Redis lie; a place that can't be written is told as such."""
    home, heads = Path(settings.AFTERCARE_HOME), Path(settings.HEADS_FILE)
    if not writable(home / "probe"):
        mend = "make it writable for this user, or set AFTERCARE_HOME to a folder that is"
        yield Finding("AFTERCARE_HOME", ok=False, says="can't be written", mend=mend)
    for what, path in (("AFTERCARE_HOME", home / "probe"), ("HEADS_FILE", heads)):
        if (place := _folder(path)) and writable(path):  # else it is told already
            free = shutil.disk_usage(place).free
            says = f"{free // 1024**2} MB free there"
            yield Finding(f"{what} disk", ok=free >= LEAST_DISK, says=says, mend="make room, or move it")


def relay() -> Iterator[Finding]:
    """The SMTP relay of EMAIL_URL: connect, greet, encrypt and log in, as before a mail; none is sent."""
    if not settings.EMAIL_URL.startswith(("smtp://", "smtps://")):
        return
    try:
        line = smtp.Connection(smtp.relay(settings.EMAIL_URL), wait=PATIENCE, last_wait=PATIENCE)
    except BadSetting:
        return  # told as EMAIL_URL's own
    what = "EMAIL_URL reached"
    try:
        line.open()
    except smtp.Unreachable as why:
        yield Finding(what, ok=False, says=str(why), mend=_relay_mend(str(why)))
    else:
        logged_in = "takes the login: logged in" if urlsplit(settings.EMAIL_URL).username else "greets us"
        yield Finding(what, ok=True, says=f"the relay {logged_in}")
    finally:
        line.close()


def _relay_mend(why: str) -> str:
    """By the step that failed, as worker.channels.smtp names it."""
    step, _, said = why.partition(": ")
    if "Cert" in said:
        return "its certificate must name the host of EMAIL_URL and be signed by somebody whom this machine trusts"
    if step == "login":
        return "correct user and password in EMAIL_URL; special characters are percent-encoded"
    if step == "starttls":
        return "the relay must offer STARTTLS there; else use smtps:// with its port, usually 465"
    if said.startswith("the relay answered"):
        return "it refuses this machine at its greeting or at EHLO: let whoever runs the relay allow its address"
    return "correct host and port in EMAIL_URL, and see that no firewall stands between"


def way_in() -> Iterator[Finding]:
    """PUBLIC_URL from here: it resolves, its certificate is good for a while, and our own web part answers there."""
    asked = urlsplit(settings.PUBLIC_URL)
    if asked.scheme != "https" or not asked.hostname:
        return
    mend = "point the name at the proxy, and the proxy at the web part; Twilio must reach it"
    try:
        days, answered = _knock(asked.hostname, asked.port or 443, f"{asked.path}/readyz")
    except OSError as error:
        yield Finding("PUBLIC_URL reached", ok=False, says=f"can't be reached ({type(error).__name__})", mend=mend)
        return
    ours = answered.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")) and answered.rstrip().endswith(b"ok")
    says = "our web part answers, ready" if ours else "something answers, and it is not a web part that is ready"
    yield Finding("PUBLIC_URL reached", ok=ours, says=says, mend=mend)
    if ours:
        yield _hook(asked.hostname, asked.port or 443, f"{asked.path}/hooks/twilio/inbound")
    mend = "renew it; a proxy that does so by itself has stopped doing so"
    yield Finding("certificate", ok=days >= CERTIFICATE_DAYS, says=f"good for {days} days", mend=mend)


def _hook(host: str, port: int, path: str) -> Finding:
    """Asked by GET it says that it wants a POST, so nothing is counted as a forged webhook."""
    mend = f"let the proxy pass {path} on, by POST and with its query: the provider calls it"
    try:
        _, answered = _knock(host, port, path)
    except OSError as error:
        return Finding("webhooks reached", ok=False, says=f"can't be reached ({type(error).__name__})", mend=mend)
    ours = answered.startswith((b"HTTP/1.1 405", b"HTTP/1.0 405"))
    says = "our web part waits for them there" if ours else "something else answers there"
    return Finding("webhooks reached", ok=ours, says=says, mend=mend)


def _knock(host: str, port: int, path: str) -> tuple[int, bytes]:
    """Days that the certificate has left, and the answer to a GET. Raises OSError (of which ssl.SSLError is one)."""
    with (
        socket.create_connection((host, port), timeout=PATIENCE) as line,
        ssl.create_default_context().wrap_socket(line, server_hostname=host) as secure,
    ):
        until = ssl.cert_time_to_seconds(str((secure.getpeercert() or {})["notAfter"]))
        secure.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: secure.recv(4096), b""))
    return (datetime.fromtimestamp(until, UTC) - clock.machine()).days, answer
