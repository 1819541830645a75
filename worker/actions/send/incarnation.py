"""Who decides: this process on this database session, and the proof that another one is over (rule 80).

A worker that is only slow, frozen or cut off from the database may still write the bytes of its call. So nothing that
it may have sent is sent again before its end is proved; a guess by time is no proof.
"""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection

from worker import clock
from worker.models import Incarnation
from worker.models.rows import fetch

DEAD = "ZX"  # of /proc: killed, and its parent has not noticed yet


@dataclass(frozen=True, slots=True)
class _Life:
    name: str
    pid: int
    line: Any  # the driver's connection whose session holds the lock


_life: _Life | None = None


def incarnation() -> str:
    """This process's name for its decisions: host, pid and a random part, written down before it is first used.

    A new database session is a new incarnation, for the old one's lock is gone. To be called outside a transaction.
    Raises DatabaseError.
    """
    global _life  # noqa: PLW0603 - one name per process and session is the point
    connection.ensure_connection()
    line = connection.connection if connection.vendor == "postgresql" else None
    if _life is None or _life.pid != os.getpid() or _life.line is not line:
        _life = _Life(_begin(), os.getpid(), line)
    return _life.name


def forget() -> None:
    """Be somebody else from now on, as after a restart; for tests that roll back what was written down."""
    global _life  # noqa: PLW0603
    _life = None


def _begin() -> str:
    key = server_since = None
    if connection.vendor == "postgresql":
        key = secrets.randbits(62)
        fetch("SELECT pg_advisory_lock(%s::bigint)", [key])
        server_since = _server_since()
    host, pid = socket.gethostname(), os.getpid()
    made = Incarnation.objects.create(
        name=f"{host[:30]}:{pid}:{secrets.token_hex(4)}",
        host=host[:64],
        boot=_boot(),
        space=_space(),
        pid=pid,
        started=_started(pid),
        lock_key=key,
        server_since=server_since,
        since=clock.machine(),
    )
    return made.name


def is_gone(name: str) -> bool:
    """True only when it is proved that this incarnation can do nothing any more.

    On PostgreSQL its session's lock is free, on a server that has not restarted since, and where this very machine can
    look, its process is over. On SQLite, and after a restart of the server, only the machine itself can tell.
    """
    life = Incarnation.objects.filter(pk=name).first()
    if life is None:
        return False
    ended_here = _ended_here(life)
    if life.lock_key is None or connection.vendor != "postgresql" or life.server_since != _server_since():
        return ended_here is True
    return ended_here is not False and _is_free(life.lock_key)


def _is_free(key: int) -> bool:
    return bool(fetch("SELECT pg_try_advisory_xact_lock_shared(%s::bigint)", [key])[0][0])


def _server_since() -> Any:
    return fetch("SELECT pg_postmaster_start_time()", [])[0][0]


def _ended_here(life: Incarnation) -> bool | None:
    """Whether its process is over, as this machine sees it; None when it ran elsewhere."""
    if life.host != socket.gethostname()[:64]:
        return None
    if life.boot != _boot():  # the machine was started anew; only SQLite says that it is the same machine
        return True if connection.vendor != "postgresql" else None
    if life.space != _space():
        return None
    if not life.started:
        return not _is_there(life.pid)
    return _started(life.pid) != life.started


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _started(pid: int) -> int:
    """Its start in clock ticks after boot; 0 when it is over, or where /proc does not tell (proc(5), field 22)."""
    with suppress(OSError, ValueError, IndexError):
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return 0 if told[0] in DEAD else int(told[19])
    return 0


def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def _space() -> str:
    with suppress(OSError):
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - it is no path but a name in brackets
    return ""
