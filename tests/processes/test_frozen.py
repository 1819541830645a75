"""A worker frozen at any of its steps while STOP comes in: nothing is sent after it, and STOP does not wait (P2).

Real processes; the worker stops itself with SIGSTOP where it was ordered to, and goes on with SIGCONT.
"""

from __future__ import annotations

import os
import signal
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from config.keys import embedded_keys, fresh_key, sandbox_account
from tests.postgres import CannotStart, PrivatePostgres
from tests.processes.commands import settings
from tests.processes.houses import RunningHouse, settle, settled_home
from tests.processes.witness import until
from tests.web.provider import INBOUND, LAKESIDE, new_sid, signature

pytestmark = pytest.mark.processes

FREEZER = Path(__file__).with_name("freezer")
OUTSIDE = ("claimed", "prepared", "decided", "answered")  # no transaction is open there
INSIDE = ("locked", "marked")
BOUND = 1.0
PATIENCE = 15.0  # rule 96: the provider waits no longer for an answer


def on_sqlite(folder, order):
    return RunningHouse(settled_home(folder / "home"), **order)


def on_postgres(folder, order):
    keys = {name: fresh_key() for name in ("SECRET_KEY", "FIELD_KEYS", "FINGERPRINT_KEYS")}
    own = {"DATABASE_URL": order.pop("server").create("aftercare"), **keys}
    (folder / "home").mkdir()
    settle(settings(AFTERCARE_HOME=str(folder / "home"), **own), folder / "settle.log")
    return RunningHouse(folder / "home", **own, **order)


@pytest.fixture(scope="module")
def frozen(request, tmp_path_factory):
    """A house whose worker stops where it is told to."""
    folder = tmp_path_factory.mktemp(f"frozen-{request.param}")
    order = {"PYTHONPATH": str(FREEZER), "FREEZE_ORDER": str(folder / "order")}
    if request.param == "sqlite":
        with on_sqlite(folder, order) as house:
            yield Frozen(house, folder / "order")
        return
    try:
        server = PrivatePostgres()
    except CannotStart as why:
        pytest.skip(str(why))
    with server, on_postgres(folder, {**order, "server": server}) as house:
        yield Frozen(house, folder / "order")


class Frozen:
    """The house, the order, and the worker that obeyed it."""

    def __init__(self, house, order):
        self.house, self.order = house, order
        key = house.env.get("SECRET_KEY") or embedded_keys(house.home)["SECRET_KEY"]
        self.account, self.token = sandbox_account(key)

    def freeze(self, person, point):
        """Let her text come due, and return the worker that has stopped at the point."""
        due = datetime.fromisoformat(self.house.message(person, "same-day")["due_at"])
        self.order.write_text(point, encoding="ascii")
        draft = Path(f"{self.house.house.plan.calendar}.new")
        draft.write_text(repr((due + timedelta(seconds=1) - datetime.now(UTC)).total_seconds()), encoding="ascii")
        draft.replace(self.house.house.plan.calendar)
        until(lambda: list(self.order.parent.glob("order.*")))
        (done,) = self.order.parent.glob("order.*")
        done.unlink()
        pid = int(done.suffix.removeprefix("."))
        until(lambda: Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "T")
        return pid

    def stop(self, person, sid):
        """STOP, as the provider posts it: status and seconds."""
        named = {"AccountSid": self.account, "MessageSid": sid, "From": person.phone, "To": LAKESIDE, "Body": "STOP"}
        url = f"{self.house.house.plan.web_url}{INBOUND}"
        signed = signature(self.token, url, list(named.items()))
        post = urllib.request.Request(url, urlencode(named).encode(), {"X-Twilio-Signature": signed})
        began = time.monotonic()
        try:
            with urllib.request.urlopen(post, timeout=60) as answer:
                status = answer.status
        except urllib.error.HTTPError as refused:
            status = refused.code
        return status, time.monotonic() - began


BOTH = pytest.mark.parametrize("frozen", ["sqlite", "postgres"], indirect=True)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see that a process is stopped")
@BOTH
def test_a_worker_frozen_at_each_step_sends_nothing_after_a_stop(frozen):
    """Rules 19, 33, 96: at every point STOP is taken in time or refused with 503; afterwards nothing more leaves.

    Frozen in the middle of a transaction: PostgreSQL ends it after a second and STOP goes on; SQLite has one writer, so
    STOP is answered 503 before the provider gives up, and counts when it is said again.
    """
    house = frozen.house
    on_sqlite = not house.env["DATABASE_URL"]
    told = {}
    for point in (*OUTSIDE[:2], *INSIDE[on_sqlite:], *OUTSIDE[2:]):  # SQLite: both are the same, and wait 10 s each
        house.morning()
        person = house.enrol()
        house.quiet()
        pid = frozen.freeze(person, point)
        since, sid = time.monotonic(), new_sid()
        status, seconds = frozen.stop(person, sid)
        assert seconds < PATIENCE, point
        assert status == (503 if on_sqlite and point in INSIDE else 200), point
        before = len(house.texts(person))
        until(lambda since=since: time.monotonic() - since > BOUND + 0.1)
        os.kill(pid, signal.SIGCONT)
        if status == 503:
            until(lambda sid=sid, person=person: frozen.stop(person, sid)[0] == 200)
            before = len(house.texts(person))
        house.quiet()
        after = house.texts(person)[before:]
        assert all("no more" in text for text in after), (point, after)
        assert len(after) <= 1, point
        row = house.message(person, "same-day")
        told[point] = row["state"]
        assert row["state"] in {"cancelled", "withheld"} | ({"delivered", "accepted"} if point == "answered" else set())
    assert told["answered"] in {"delivered", "accepted"}, "what had left before the STOP has left"
    assert house.cli("verify", "--json").data["ok"]
