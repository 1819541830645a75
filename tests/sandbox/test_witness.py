"""The log: complete, in order, on both clocks, and on disk line by line."""

from __future__ import annotations

import json
import os
import time

from worker.sandbox.provider.clock import Clock
from worker.sandbox.provider.witness import Witness

from .setting import ALICE, CLINIC


def test_every_create_is_in_the_log_with_its_answer(outside):
    """The witness for "doubled": one entry a create, in order, with parameters, times and the answer given."""
    before, began = outside.mark(), time.time()
    sids = [outside.text(body=f"Message {place}", from_=CLINIC).sid for place in range(3)]
    entries = outside.log("create", since=before)
    assert [entry["sid"] for entry in entries] == sids
    assert [entry["params"]["Body"] for entry in entries] == ["Message 0", "Message 1", "Message 2"]
    assert entries[0]["params"] == {"To": ALICE, "From": CLINIC, "Body": "Message 0"}
    assert all(entry["answer"] == {"status": 201, "code": None} and entry["accepted"] for entry in entries)
    times = [entry["at"] for entry in entries]
    assert began <= times[0] <= times[1] <= times[2] <= time.time()


def test_the_log_is_numbered_without_gaps_and_paged(outside):
    """seq is 1, 2, 3, ...; pages join without loss; kinds filter."""
    for _ in range(3):
        outside.text()
    everything = outside.log()
    assert [entry["seq"] for entry in everything] == list(range(1, len(everything) + 1))
    paged, place = [], 0
    while place is not None:
        page = json.loads(outside.ask("GET", f"/sandbox/log?after={place}&limit=2", user=None)[2])
        assert len(page["entries"]) <= 2
        paged += page["entries"]
        place = page["next"]
    assert paged == everything
    assert outside.log("create") == [entry for entry in everything if entry["kind"] == "create"]


def test_the_same_lines_are_on_disk(outside):
    """A killed process leaves its testimony: each line was written when it was seen."""
    outside.text()
    outside.sandbox.wait_quiet()
    lines = (outside.folder / "state" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == outside.log()


def test_times_are_the_machines_and_the_calendars(outside):
    """A stepped calendar moves the message's dates and the calendar time, never the machine time."""
    before, now = outside.mark(), time.time()
    outside.step_calendar(86_400 * 10)
    created = outside.text()
    outside.step_calendar(0)
    (entry,) = outside.log("create", since=before)
    assert abs(entry["at"] - now) < 60
    assert entry["calendar"] - entry["at"] == 86_400 * 10
    assert abs(created.date_created.timestamp() - now - 86_400 * 10) < 60


def test_a_calendar_file_may_be_absent_torn_or_gone(tmp_path):
    """A witness does not die of a torn write: the last good offset stays; no file is no offset."""
    file = tmp_path / "calendar"
    clock = Clock(file)
    assert clock.offset() == 0
    for place, (text, offset) in enumerate([("60\n", 60), ("", 0), ("-1.5", -1.5), ("6x", -1.5)]):
        file.write_text(text)
        stamp = (place + 1) * 10**9
        os.utime(file, ns=(stamp, stamp))
        assert clock.offset() == offset
    file.unlink()
    assert clock.offset() == 0


def test_parallel_creates_are_counted_while_they_last(outside):
    """Rule 85: the witness sees how many creates were in flight at once."""
    before = outside.mark()
    outside.text()
    assert [entry["in_flight"] for entry in outside.log("create", since=before)] == [1]


def test_an_unusable_question_about_the_log_is_refused(outside):
    """P12: field and mend."""
    for query in ("after=-1", "after=x", "limit=999999", "after=%D9%A1"):
        status, _, body = outside.ask("GET", f"/sandbox/log?{query}", user=None)
        assert (status, json.loads(body)["error"].split(":")[0]) == (400, query.split("=")[0])


def test_a_page_ends_where_the_kinds_end():
    """`next` is given only when there is more of what was asked for."""
    witness = Witness(Clock())
    for kind in ("create", "mail", "create", "mail"):
        witness.saw(kind)
    first, following = witness.page(after=0, limit=1, kinds={"create"})
    assert ([entry["seq"] for entry in first], following) == ([1], 1)
    second, following = witness.page(after=1, limit=1, kinds={"create"})
    assert ([entry["seq"] for entry in second], following) == ([3], None)
