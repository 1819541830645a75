"""What every test stands on: its own home, keys and database, and the triggers of the append-only tables.

    TEST_DATABASE=postgres make test        the whole suite on a private PostgreSQL instead of SQLite
    TEST_DATABASE=postgres://...  ...       on this server (a database test_NAME is made and dropped)

Nothing of the caller's own environment reaches the tests: a developer's DATABASE_URL or Twilio account is not ours.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.keys import key
from tests.lives import choose_profile
from tests.postgres import PrivatePostgres

HOME = Path(tempfile.mkdtemp(prefix="aftercare-tests-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
OURS = (
    "CALENDAR_FILE", "SECRET_KEY_FALLBACKS", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_FALLBACKS",
    "TWILIO_API_URL", "SANDBOX_URL", "SANDBOX_SMTP_URL", "REDIS_URL", "HEARTBEAT_FILE", "HEADS_FILE",
    "AFTERCARE_WORKER_SESSION",
    "ALLOWED_HOSTS", "RECONCILE_SECONDS", "SMS_PRICE", "REDACT_AT_PROVIDER_DAYS", "LEASE_SECONDS", "SEND_SLOTS",
    "SMS_PER_SECOND", "SMS_ACCOUNT_PER_SECOND", "SMS_ACCOUNT_CALLS", "MAIL_PER_SECOND",
    "METRICS_TOKEN", "WORKER_METRICS", "BROKER_URL", "LOG_LEVELS", "DKIM_SELECTOR",
    "MAIL_SLOTS", "LOG_LEVEL", "LOG_FORMAT", "MAILBOX_URL",
    "EMAIL_HOOK_SECRET", "EMAIL_INBOUND_HOOK", "DOUBT_SECONDS", "DEADMAN_URL",
)  # fmt: skip


def _database_url() -> str:
    wanted = os.environ.get("TEST_DATABASE", "")
    if wanted == "postgres":
        server = PrivatePostgres(settings={"fsync": "off"}).start()  # nothing here is tested by pulling the plug
        atexit.register(server.close)
        return server.create("aftercare")
    return wanted or f"sqlite:///{HOME / 'aftercare.sqlite3'}"


ENVIRONMENT = {
    "AFTERCARE_HOME": str(HOME),
    "DATABASE_URL": _database_url(),
    "SECRET_KEY": "the-tests-own-secret-key-of-no-use-anywhere-else",
    "FIELD_KEYS": key("f"),
    "FINGERPRINT_KEYS": key("p"),
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "SMS_CHANNEL": "sandbox",
    "EMAIL_URL": "sandbox",
}


def _settle() -> None:
    """Set our environment and read the settings anew: the Django plugin read them before any conftest could speak."""
    for name in (*OURS, *ENVIRONMENT):
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    os.environ.update(ENVIRONMENT)
    from django.conf import settings
    from django.db import connections

    module = importlib.reload(sys.modules.get("config.settings") or importlib.import_module("config.settings"))
    for name in filter(str.isupper, dir(module)):
        setattr(settings, name, getattr(module, name))
    # Half a second of CPU for each password is for those who guess; the houses of real processes hash as ever.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if settings.DATABASES["default"]["ENGINE"] == "config.sqlite":
        # A file, not memory: only a file has the locks and the journal of the real thing.
        settings.DATABASES["default"]["TEST"] = {"NAME": str(HOME / "test.sqlite3")}
    connections.close_all()
    connections.__dict__.pop("settings", None)
    connections._settings = None  # Django reads it again from the settings
    del connections["default"]


_settle()
choose_profile()


def pytest_sessionfinish(session):
    """What the run's processes shared goes with the last of them: see `tests.processes.houses`."""
    if runid := getattr(session.config, "_aftercare_run", ""):
        shutil.rmtree(Path(tempfile.gettempdir()) / f"aftercare-settled-{runid}", ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """The one process that starts the others knows the name of the run."""
    node.config._aftercare_run = node.workerinput["testrunuid"]


@pytest.fixture(autouse=True)
def _forget_what_processes_remember():
    """Ids come back after a rollback; what a worker remembers of a clinic must not outlive its test."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    from tests import kept
    from worker import sealed, tokens
    from worker.actions.record import pulse
    from worker.actions.restore import lineage, marks
    from worker.actions.send import clinics, incarnation, pacing, prepare
    from worker.web import accounts

    kept.forget_state()
    clinics.card.cache_clear()
    incarnation.forget()
    pacing.forget()
    prepare._documents.clear()
    accounts.forget()
    (HOME / "heads.jsonl").unlink(missing_ok=True)  # it outlives what a test's rollback takes back
    pulse.forget_last()
    lineage.forget()
    marks.mark_file().unlink(missing_ok=True)
    marks.calls_file().unlink(missing_ok=True)
    sealed.forget_keys()
    tokens.forget_keys()


@pytest.fixture
def _triggers_afterwards(django_db_setup, django_db_blocker):
    from django.db import connection

    from worker.models import append_only

    yield
    with django_db_blocker.unblock():
        append_only.install(connection)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    """A real Redis for whoever needs what only one does: one for each process of the tests."""
    from worker.sandbox.redis_server import PrivateRedis

    with PrivateRedis(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def house(db):
    """Two clinics with an approved protocol each, and nobody enrolled: see `tests.builders`."""
    from tests import builders

    return builders.house()


@pytest.fixture
def really(monkeypatch):
    """Every enrolment is done, none is put back: for tests of enrolling itself, and of what it does beside the rows."""
    monkeypatch.setattr("tests.kept.AGAIN", False)


@pytest.fixture
def keys(settings):
    """Set the lists by letters, newest first: keys(field="nf", prints="qp"). A process restarted with new lists."""
    from worker import sealed

    def exchange(*, field: str = "", prints: str = "") -> None:
        if field:
            settings.FIELD_KEYS = [key(letter) for letter in field]
        if prints:
            settings.FINGERPRINT_KEYS = [key(letter) for letter in prints]
        sealed.forget_keys()

    return exchange


@pytest.fixture
def unguarded(db):
    """The append-only triggers are gone until the test ends: what somebody with the keys of the database could do."""
    from django.db import connection

    from worker.models import append_only

    append_only.remove(connection)
    yield
    append_only.install(connection)


@pytest.fixture
def committed(_triggers_afterwards, transactional_db):
    """Transactions that really commit, for tests with threads; emptied afterwards, which the triggers would refuse."""
    from django.db import connection

    from worker.models import append_only

    yield
    append_only.remove(connection)


def pytest_itemcollected(item):
    """Tests that share a running house keep together on one process, so that it is opened once in a run.

    As each is collected: xdist reads the groups before any later hook could name one.
    """
    slow, placed = item.get_closest_marker("processes"), item.get_closest_marker("xdist_group")
    if slow and not placed and (house := _house_of(item)):
        item.add_marker(pytest.mark.xdist_group(house))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """The longest first, then the slow ones; last of all hooks: pytest-randomly has shuffled, and so the rest stays.

    xdist would begin with the groups that have the most tests, and end with one that alone takes five minutes.
    """
    if most := int(os.environ.get("CASES_EACH", "0")):
        items[:] = _few_cases(items, most)
    items.sort(key=_place)


def _place(item):
    slow = item.get_closest_marker("processes")
    if item.get_closest_marker("browser") or (slow and "longest" in slow.args):
        return 0
    return 1 if slow else 2


def _few_cases(items, most):
    """At most so many cases of each test, whichever the shuffle put first; a table's constraints are all different."""
    seen: Counter[str] = Counter()
    kept = []
    for item in items:
        test = item.nodeid.partition("[")[0]
        seen[test] += 1
        if seen[test] <= most or test.startswith("tests/models/"):
            kept.append(item)
    return kept


def pytest_collection_finish(session):
    """Two things that cost minutes and never a red test.

    A group that xdist does not keep together opens a house in each process. And what is loaded by now stays: looking
    through all of it for garbage, again and again, was a fifteenth of the CPU time of the tests.
    """
    grouped = [item.nodeid for item in session.items if item.get_closest_marker("xdist_group")]
    if getattr(session.config.option, "loadgroup", False) and not all("@" in nodeid for nodeid in grouped):
        raise pytest.UsageError("this pytest and this xdist don't keep groups together; see pytest in pyproject.toml")
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _house_of(item) -> str:
    """What a test with real processes shares with its neighbours; "" where it opens its own."""
    ours = {name: made[-1] for name, made in item._fixtureinfo.name2fixturedefs.items()}
    shared = {name: each for name, each in ours.items() if each.scope in {"module", "package"}}
    if not shared:
        return ""
    folder = next((each.baseid for each in shared.values() if each.scope == "package"), "")
    chosen = getattr(getattr(item, "callspec", None), "params", {})
    return "-".join([folder or item.path.stem, *(str(chosen[name]) for name in shared if name in chosen)])


def pytest_terminal_summary(terminalreporter):
    """How many orders of steps were played for P2, by database, and how many clock changes were tried for P6."""
    played: Counter[str] = Counter()
    played_addresses = 0
    for report in terminalreporter.getreports(""):  # the fixtures' own ends
        for name, value in report.user_properties:
            played += Counter(dict([value])) if name == "schedules" else Counter()
            if name == "cases":
                terminalreporter.write_line(f"P6: {value}")
            played_addresses += value if name == "addresses" else 0
    if played_addresses:
        terminalreporter.write_line(f"P10: {played_addresses} requests by strangers, wrong roles and the other clinic")
    for database, count in sorted(played.items()):
        terminalreporter.write_line(f"P2: {count} schedules of a STOP against the workers on {database}")
