"""The database as Django wants it described: what DATABASE_URL names, and how long one part may wait for another."""

from __future__ import annotations

from typing import Any

import dj_database_url

from config.environment import number, wrong

NOWHERE = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}  # where the settings are read on to their end


def described(url: str, *, worker: bool) -> dict[str, Any]:
    """The database of `url`, for a `worker` or for the rest. Raises BadSetting.

    A worker that froze inside a transaction must never keep a STOP waiting (P2).
    """
    try:
        found: dict[str, Any] = {**dj_database_url.parse(url, conn_max_age=None, conn_health_checks=True)}
    except (ValueError, KeyError) as error:
        wrong(
            f"DATABASE_URL: can't be read ({type(error).__name__}); for example postgres://user:password@host:5432/name"
        )
        found = {**NOWHERE}
    if found["ENGINE"] == "django.db.backends.sqlite3":
        return found | _sqlite(worker=worker)
    if found["ENGINE"] == "django.db.backends.postgresql":
        return found | {"OPTIONS": _postgres(found.get("OPTIONS", {}), worker=worker)}
    wrong("DATABASE_URL: only postgres:// and sqlite:/// are supported; for example postgres://user:password@host/name")
    return found


def _sqlite(*, worker: bool) -> dict[str, Any]:
    return {
        "ENGINE": "config.sqlite",
        "YIELDS": worker,  # a text that goes a moment later hurts nobody, a STOP that waits may
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",  # a deferred read that turns into a write fails at once under load
            "timeout": number("SQLITE_TIMEOUT_SECONDS", 20, least=1),
            # FULL: with NORMAL a power cut may forget the last "sending" mark, and that is a double text
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON",
        },
    }


def _postgres(given: dict[str, Any], *, worker: bool) -> dict[str, Any]:
    """Options of the connection; `given` are those of the address, which weigh more."""
    limits = "-c lock_timeout=500 -c idle_in_transaction_session_timeout=1000" if worker else ""  # milliseconds
    return {
        # A server that does not answer, or a line that broke in silence, is given up in seconds: by default never.
        "connect_timeout": 5,
        "tcp_user_timeout": 10_000,  # milliseconds
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        **given,
        "options": f"-c timezone=UTC {limits}".strip(),
    }
