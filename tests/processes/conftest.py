"""The two kinds of house that are shaken here: over SQLite, and over a private PostgreSQL with keys of its own."""

from __future__ import annotations

import contextlib

import pytest

from config.keys import fresh_key
from tests.postgres import CannotStart, PrivatePostgres
from tests.processes.commands import settings
from tests.processes.houses import RunningHouse, open_house, settle

WORRIED = {"LEASE_SECONDS": "15", "SEND_SLOTS": "4"}  # a short lease, and few calls at a time: more to interrupt


@contextlib.contextmanager
def on_sqlite(folder):
    """A house as `aftercare up` opens it."""
    with open_house(folder, **WORRIED) as running:
        yield running


@contextlib.contextmanager
def on_postgres(folder):
    """The same over PostgreSQL, as in production; without its binaries on this machine the tests say so."""
    try:
        server = PrivatePostgres()
    except CannotStart as why:
        pytest.skip(str(why))
    with server:
        keys = {name: fresh_key() for name in ("SECRET_KEY", "FIELD_KEYS", "FINGERPRINT_KEYS")}
        own = {"DATABASE_URL": server.create("aftercare"), **keys}
        (folder / "home").mkdir()
        settle(settings(AFTERCARE_HOME=str(folder / "home"), **own), folder / "settle.log")
        with RunningHouse(folder / "home", **own, **WORRIED) as running:
            yield running


@pytest.fixture(scope="module")
def house(request, tmp_path_factory):
    """A running house; indirect parameter: sqlite or postgres. Only one is open at a time."""
    kind = {"sqlite": on_sqlite, "postgres": on_postgres}[request.param]
    with kind(tmp_path_factory.mktemp(request.param)) as running:
        yield running
