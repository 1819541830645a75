"""What the checker reads: the outside's own log, the ledger, the plan and the decisions, in plain SQL; no code of ours.

The order in which transactions committed is the database's own testimony: PostgreSQL keeps the time of each commit,
and SQLite has one writer at a time, so a journal written by triggers is in their order.
"""

from __future__ import annotations

import json
import re
import sqlite3
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ATTEMPT = re.compile(r"[?&]d=([0-9a-f]{32})|bounce\+([0-9a-f]{32})[0-9a-f]{16}@")
LONGEST_DECISION, READING = 15.0, 0.1  # seconds; the least wrong of all wrong clocks is further off
SQLITE_NOW = "(julianday('now') - 2440587.5) * 86400.0"
RESTORED = "restore"  # the worker of an attempt that the restore-check found at the provider
STOPPED = "OLD.suppressed_at IS NULL AND NEW.suppressed_at IS NOT NULL"
JOURNALLED = (
    ("event", "INSERT", "NEW.kind = 'decision' AND NEW.code = 'sent'"),
    ("consentevent", "INSERT", "1"),
    ("hold", "INSERT", "1"),
    ("standing", "UPDATE", STOPPED),
)
_TABLE = "CREATE TABLE soak_journal(seq {serial}, kind text, line bigint, at {real})"
_SQLITE = (
    "CREATE TRIGGER soak_{table} AFTER {deed} ON aftercare_{table} WHEN {which} BEGIN "
    f"INSERT INTO soak_journal(kind, line, at) VALUES ('{{table}}', NEW.id, {SQLITE_NOW}); END"
)
_POSTGRES = (
    (
        "CREATE FUNCTION soak_standing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO soak_journal(kind, line) VALUES ('standing', NEW.id); RETURN NULL; END $$"
    ),
    (
        f"CREATE TRIGGER soak_standing AFTER UPDATE ON aftercare_standing FOR EACH ROW WHEN ({STOPPED}) "
        "EXECUTE FUNCTION soak_standing()"
    ),
)
"""Elsewhere rows are only added, and PostgreSQL knows their commit; a standing row is changed again and again."""
JOURNAL = {
    "sqlite": (
        _TABLE.format(serial="INTEGER PRIMARY KEY AUTOINCREMENT", real="REAL"),
        *(_SQLITE.format(table=table, deed=deed, which=which) for table, deed, which in JOURNALLED),
    ),
    "postgresql": (_TABLE.format(serial="bigserial PRIMARY KEY", real="float8"), *_POSTGRES),
}
"""Written into the database before the soak."""


@dataclass(frozen=True, slots=True)
class Commit:
    """When something became true: a place in the order of commits, and machine time."""

    order: float
    at: float


@dataclass(frozen=True, slots=True)
class Arrival:
    """One text or mail as the outside took it; `at` is machine time (epoch seconds), `attempt` whose it says it is."""

    at: float
    channel: str
    to: str
    attempt: str
    sid: str
    text: str


@dataclass(slots=True)
class Evidence:
    """Everything that was read, by the keys by which it is asked for."""

    log: list[dict[str, Any]]
    people: dict[int, dict[str, Any]]
    steps: list[tuple[float, float]]
    skews: list[tuple[float, float, float]] = field(default_factory=list)
    lost: tuple[float, float] | None = None  # machine time that a restored copy does not know
    acts: list[dict[str, Any]] = field(default_factory=list)
    found: dict[str, str] = field(default_factory=dict)  # attempts that the restore-check wrote down, by provider id
    messages: dict[int, dict[str, Any]] = field(default_factory=dict)
    attempts: dict[str, dict[str, Any]] = field(default_factory=dict)
    decided: dict[str, Commit] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)
    ledger: dict[tuple[int | None, int, str], list[tuple[Commit, str]]] = field(default_factory=dict)
    holds: dict[int, list[Commit]] = field(default_factory=dict)
    stops: dict[int, list[Commit]] = field(default_factory=dict)
    approvals: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    documents: dict[int, str] = field(default_factory=dict)

    def arrivals(self) -> Iterator[Arrival]:
        """All that the outside accepted, in its order."""
        for each in self.log:
            if each["kind"] == "create" and each["accepted"]:
                params = each["params"]
                trace = ATTEMPT.search(params.get("StatusCallback", ""))
                attempt = _named(trace)
                known = attempt if attempt in self.attempts else self.found.get(each["sid"], attempt)
                yield Arrival(each["at"], "sms", params["To"], known, each["sid"], params["Body"])
            elif each["kind"] == "mail":
                trace = ATTEMPT.search(each["mail_from"])
                yield Arrival(each["at"], "email", each["rcpt"][0], _named(trace), "", each["text"])

    def is_lost(self, at: float) -> bool:
        """True of a moment that a restored copy does not know."""
        return self.lost is not None and self.lost[0] <= at <= self.lost[1]

    def calendars(self, first: float, last: float) -> list[float]:
        """What the calendar may have shown between two moments of machine time, earliest first; on wrong clocks too."""
        place = bisect_right(self.steps, (first, float("inf"))) - 1
        found = [first + self.steps[max(place, 0)][1]]
        end = bisect_right(self.steps, (last, float("inf")))
        found += [at + offset for at, offset in self.steps[place + 1 : end]]
        found.append(last + self.steps[end - 1][1])
        wrong = [skew for begun, ended, skew in self.skews if begun <= last and first <= ended]
        return sorted(at + skew for at in found for skew in (0.0, *wrong))

    def start_of(self, attempt: dict[str, Any], decided: Commit) -> float:
        """When its decision began (machine time): by our own word, unless it lies, as a wrong clock does."""
        said = self.machine(attempt["decided_at"])
        return said if decided.at - LONGEST_DECISION <= said <= decided.at + READING else decided.at

    def machine(self, calendar: float) -> float:
        """When the calendar came to this moment, or stepped over it (machine time)."""
        place = bisect_right(self.steps, calendar, key=sum) - 1
        offset = self.steps[max(place, 0)][1]
        following = self.steps[place + 1][0] if 0 <= place < len(self.steps) - 1 else float("inf")
        return min(calendar - offset, following)


def _named(found: re.Match[str] | None) -> str:
    return (found[1] or found[2]) if found else ""


def gather(url: str, outside: Path, register: Path) -> Evidence:
    """Read everything. `url` is the database's own, `outside` the folder of the provider's log."""
    said = json.loads(register.read_text(encoding="utf-8"))
    with (outside / "log.jsonl").open(encoding="utf-8") as file:
        log = [json.loads(line) for line in file]
    made = Evidence(
        log=log,
        people={each["id"]: each for each in said["people"]},
        steps=[(at, offset) for at, offset in said["steps"]],
        skews=[(begun, ended, skew) for begun, ended, skew in said["skews"]],
        lost=(said["lost"]["since"], said["lost"]["until"]) if said.get("lost") else None,
        acts=said["acts"],
    )
    with Database(url) as database:
        _plan(database, made)
        _decisions(database, made)
        _ledger(database, made)
        _approvals(database, made)
    return made


class Database:
    """Rows as dictionaries, from either kind."""

    def __init__(self, url: str) -> None:
        self.postgres = not url.startswith("sqlite")
        self._line: Any = psycopg.connect(url) if self.postgres else sqlite3.connect(url.removeprefix("sqlite:///"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of one statement."""
        cursor = self._line.cursor()
        cursor.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def committed(self, table: str, columns: str, where: str = "true") -> Iterator[tuple[Commit, dict[str, Any]]]:
        """The rows of a table with the commit that brought them."""
        if self.postgres:
            moment = "extract(epoch FROM pg_xact_commit_timestamp(t.xmin))::float8 AS o"
            sql = f"SELECT {columns}, {moment}, NULL AS at FROM aftercare_{table} t WHERE {where}"
        else:
            join = f"JOIN soak_journal j ON j.kind = '{table}' AND j.line = t.id"
            sql = f"SELECT {columns}, j.seq AS o, j.at AS at FROM aftercare_{table} t {join} WHERE {where}"
        for row in self.rows(sql):
            order, at = row.pop("o"), row.pop("at")
            yield Commit(order, order if at is None else at), row

    def stopped(self) -> Iterator[tuple[Commit, int]]:
        """When each standing row was closed; a STOP's acts may be written into the ledger a moment later."""
        moment = "extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8" if self.postgres else "seq"
        for row in self.rows(f"SELECT {moment} AS o, at, line FROM soak_journal WHERE kind = 'standing'"):
            yield Commit(row["o"], row["o"] if self.postgres else row["at"]), row["line"]


def _plan(database: Database, made: Evidence) -> None:
    for row in database.rows(
        "SELECT m.id, m.client_id, m.standing_id, m.channel, m.purpose, m.cls, m.kind, m.state, m.reason, m.due_at, "
        "m.expires_at, m.occasion, m.version_id, s.code AS step, m.treatment_id, m.appointment_id, m.generation "
        "FROM aftercare_message m JOIN aftercare_step s ON s.id = m.step_id"
    ):
        made.messages[row["id"]] = row | {name: epoch(row[name]) for name in ("due_at", "expires_at")}
    columns = "id, message_id, state, decided_at, body_sha256, worker, provider_id"
    for row in database.rows(f"SELECT {columns} FROM aftercare_attempt"):
        name = str(row["id"]).replace("-", "")
        made.attempts[name] = row | {"decided_at": epoch(row["decided_at"])}
        if row["worker"] == RESTORED:
            made.found[row["provider_id"]] = name


def _decisions(database: Database, made: Evidence) -> None:
    for commit, row in database.committed("event", "t.facts", "t.kind = 'decision' AND t.code = 'sent'"):
        facts = json.loads(row["facts"]) if isinstance(row["facts"], str) else row["facts"]
        made.decided[facts["attempt"]] = commit
    for row in database.rows("SELECT subject FROM aftercare_event WHERE subject LIKE 'message:%'"):
        made.told.add(int(row["subject"].partition(":")[2]))


def _ledger(database: Database, made: Evidence) -> None:
    columns = "t.client_id, t.standing_id, t.purpose, t.act"
    for commit, row in sorted(database.committed("consentevent", columns), key=lambda pair: pair[0].order):
        key = (row["client_id"], row["standing_id"], row["purpose"])
        made.ledger.setdefault(key, []).append((commit, row["act"]))
    for commit, standing in database.stopped():
        made.stops.setdefault(standing, []).append(commit)
    for commit, row in database.committed("hold", "t.standing_id"):
        made.holds.setdefault(row["standing_id"], []).append(commit)


def _approvals(database: Database, made: Evidence) -> None:
    for row in database.rows("SELECT version_id, sha256, approved_at, review_by, withdrawn_at FROM aftercare_approval"):
        moments = {name: epoch(row[name]) for name in ("approved_at", "review_by", "withdrawn_at")}
        made.approvals.setdefault(row["version_id"], []).append(row | moments)
    for row in database.rows("SELECT id, document FROM aftercare_protocolversion"):
        made.documents[row["id"]] = row["document"]


def epoch(value: Any) -> float:
    """A moment as seconds: PostgreSQL gives it aware, SQLite as text without its zone; infinity where there is none."""
    if value is None:
        return float("inf")
    at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
