"""A burst of webhooks at the real web part: genuine, repeated, forged, broken and huge ones side by side (P10, P12).

Every one is answered while the provider still listens, each in the way the rules say, and nothing happens but what the
genuine ones ask for, once each.
"""

from __future__ import annotations

import http.client
import os
import random
import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlencode

import pytest

from config.keys import embedded_keys, sandbox_account
from tests.processes.commands import COMMAND, settings
from tests.processes.houses import settled_home
from tests.processes.witness import until
from tests.web.provider import FORM, INBOUND, LAKESIDE, signature
from worker.sandbox.demo import free_ports
from worker.sandbox.house import answers
from worker.sandbox.process import end, grace, launch

pytestmark = pytest.mark.processes

WEBHOOKS = int(os.environ.get("WEBHOOKS") or 1000)  # `make soak-orders` sends 10,000
PATIENCE = 15.0  # seconds; the provider waits no longer (rule 96)
LINES = 16
KINDS = {
    "genuine": 200, "again": 200, "forged": 403, "flipped": 403, "unsigned": 403, "named twice": 403, "huge": 413,
    "not UTF-8": 400,
}  # fmt: skip


class Caller:
    """The provider, and somebody who would like to be it."""

    def __init__(self, home, url):
        self.account, self.token = sandbox_account(embedded_keys(home)["SECRET_KEY"])
        self.url = url

    def said(self, number):
        """A STOP of one phone."""
        return [
            ("AccountSid", self.account), ("MessageSid", f"SM{number:032x}"), ("From", f"+1212556{number:04d}"),
            ("To", LAKESIDE), ("Body", "STOP"),
        ]  # fmt: skip

    def request(self, kind, number):
        """Body and signature of one webhook."""
        pairs = self.said(number)
        signed = signature(self.token, f"{self.url}{INBOUND}", pairs)
        body = urlencode(pairs).encode()
        if kind == "forged":
            signed = signature("f" * 32, f"{self.url}{INBOUND}", pairs)
        elif kind == "flipped":
            body = body.replace(b"+1212556", b"+1212557").replace(b"%2B1212556", b"%2B1212557")
        elif kind == "unsigned":
            signed = ""
        elif kind == "named twice":
            body += b"&Body=START"
        elif kind == "huge":
            body += b"&x=" + b"a" * 1_000_000
        elif kind == "not UTF-8":
            body += b"&x=%ff%fe"
        return body, signed


def post(port, work):
    """Say one after the other over one connection; kind, status and seconds of each."""
    told = []
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=4 * PATIENCE)
    for kind, (body, signed) in work:
        began = time.monotonic()
        try:
            line.request("POST", INBOUND, body, {"Content-Type": FORM, "X-Twilio-Signature": signed})
            answer = line.getresponse()
            answer.read()
            status = answer.status
        except (BrokenPipeError, ConnectionResetError):
            status = 413  # it hung up on a body that it will not read
        if kind == "huge" or status == 413:
            line.close()  # whether it is kept after an unread body is the server's own affair
        told.append((kind, status, time.monotonic() - began))
    line.close()
    return told


@pytest.fixture
def web(tmp_path):
    """The web part alone: no worker, no broker, no provider (rule 33)."""
    home, port = settled_home(tmp_path / "home"), free_ports(1)
    url = f"http://127.0.0.1:{port}"
    env = settings(AFTERCARE_HOME=str(home), PUBLIC_URL=url)
    process = launch([*COMMAND, "web", "--bind", f"127.0.0.1:{port}"], env, tmp_path / "web.log")
    try:
        until(lambda: answers(f"{url}/healthz"))
        yield home, port, url
    finally:
        end(process, within=grace(10))
    log = (tmp_path / "web.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert "+1212556" not in log


def count(home, what):
    with closing(sqlite3.connect(home / "aftercare.sqlite3")) as line:
        return line.execute(f"SELECT count(*) FROM {what}").fetchone()[0]


def test_a_burst_is_answered_in_time_and_only_the_genuine_counts(web):
    """Rules 91, 96, 97: as many as the number says at once; each genuine STOP counts once, all others not at all."""
    home, port, url = web
    caller, dice = Caller(home, url), random.Random(20261124)
    genuine = WEBHOOKS // 10
    work = [(kind, caller.request(kind, number)) for number in range(genuine) for kind in ("genuine", "again")]
    others = [kind for kind in KINDS if kind not in {"genuine", "again"}]
    while len(work) < WEBHOOKS:
        kind = others[len(work) % len(others)]
        work.append((kind, caller.request(kind, genuine + len(work) % 1000)))
    dice.shuffle(work)
    with ThreadPoolExecutor(LINES) as pool:
        told = [each for said in pool.map(lambda part: post(port, work[part::LINES]), range(LINES)) for each in said]

    wrong = Counter((kind, status) for kind, status, _ in told if status != KINDS[kind])
    assert wrong == Counter()
    assert len(told) == WEBHOOKS
    assert max(seconds for _, _, seconds in told) < PATIENCE
    assert count(home, "aftercare_inbound") == genuine
    assert count(home, "aftercare_standing WHERE suppressed_at IS NOT NULL") == genuine
    assert count(home, "aftercare_standing") == genuine
