"""Heads are signed, published once for each state of a chain, and never in the way of anything else (P8, P11)."""

from __future__ import annotations

import json
import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker import heads
from worker.actions.record.heads import publish, publish_all
from worker.management.cli import main
from worker.models import Event, Seal
from worker.reading.chain import faults
from worker.reading.doctor import findings
from worker.reading.heads import published
from worker.tasks import publish_heads

LATER = NOW + timedelta(hours=2)


@pytest.fixture
def file(settings, tmp_path):
    """A heads file of this test's own, in a folder that is not there yet."""
    settings.HEADS_FILE = str(tmp_path / "elsewhere" / "heads.jsonl")
    return Path(settings.HEADS_FILE)


def lines(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def finding():
    return next(each for each in findings() if each.what == "HEADS_FILE")


def test_a_head_is_published_once_for_each_state_of_a_chain(house, file):
    """P8: one line a clinic that has news; a doubled beat has none. What was decided is sealed first."""
    builders.alice()
    post.confirmed(NOW)
    assert {each.head.clinic for each in publish_all(now=NOW)} == {"lakeside", "hillside"}
    assert not Event.objects.exclude(pk__in=Seal.objects.filter(table="event").values("row_id")).exists()
    assert publish_all(now=LATER) == []
    builders.bob(now=LATER)
    assert [each.head.clinic for each in publish_all(now=LATER)] == ["hillside"]
    last = Seal.objects.filter(clinic_id=house.hillside.pk).latest("number")
    assert (lines(file)[-1]["seal"], lines(file)[-1]["head"]) == (last.number, last.head)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert faults() == []


def test_who_comes_second_uses_the_head_that_is_there(house, file):
    """P11: the hourly round may publish between a dossier's record and its head; then that head serves."""
    builders.alice()
    first = publish(clinic=house.lakeside, now=NOW)
    assert publish(clinic=house.lakeside, now=LATER).head == first.head
    assert len(lines(file)) == 1


def test_the_log_has_the_whole_line_and_nothing_personal(house, file, caplog):
    """P9: a head can be put together again from the log; clinic, numbers and hashes only."""
    builders.alice()
    publish_all(now=NOW)
    said = [each.msg for each in caplog.records if "chain_head" in str(each.msg)]
    assert [{name: each[name] for name in lines(file)[0]} for each in said] == lines(file)
    assert "Moreau" not in caplog.text + file.read_text()
    assert "5550123" not in caplog.text + file.read_text()


def test_a_line_that_a_crash_cut_short_does_not_spoil_the_next(house, file):
    """P11: the next head stands on a line of its own, and the state that was cut short is published again."""
    publish_all(now=NOW)
    whole = file.read_text()
    file.write_text(whole[:-30])
    publish_all(now=LATER)
    known = published()
    assert len(known.faults) == 1
    assert set(known.newest()) == {"lakeside", "hillside"}


@pytest.mark.parametrize("obstacle", ["a folder", "a file where a folder should be"])
def test_a_file_that_cannot_be_written_stops_nothing_and_is_told(house, file, obstacle, caplog):
    """P11: the head is in the log all the same; doctor and the log name the file's fault."""
    file.parent.mkdir(parents=True)
    if obstacle == "a folder":
        file.mkdir()
    else:
        file.parent.rmdir()
        file.parent.write_text("in the way")
    publish_heads.run()
    assert {each.kept for each in publish_all(now=NOW)} == {False}
    assert "chain_head" in caplog.text
    assert "heads_unwritable" in caplog.text
    assert not finding().ok
    assert "HEADS_FILE" in finding().mend


def test_doctor_says_how_old_the_newest_head_is(house, file):
    """P12: and what is wrong with the file, with the mend."""
    assert finding().says == "no head was published yet"
    publish_all(now=NOW)
    assert finding().says == "the newest head is of 12 January 2027 15:00 UTC"
    file.write_text(file.read_text() + "forged\n")
    assert not finding().ok
    assert "aftercare verify" in finding().mend


def test_a_chain_that_contradicts_its_head_gets_no_new_one(house, file, unguarded, caplog):
    """P8: a new signature must not cover up what was cut off; the log says so until somebody looks."""
    publish_all(now=NOW)
    Seal.objects.filter(clinic_id=house.lakeside.pk).latest("number").delete()
    before = file.read_text()
    builders.alice(now=LATER)
    publish_all(now=LATER)
    assert file.read_text() == before
    assert "chain_contradicts_head" in caplog.text


def test_heads_outlive_the_exchange_of_the_secret_key(house, file, settings):
    """P8: SECRET_KEY_FALLBACKS keep them genuine; without it the public key can be named instead."""
    publish_all(now=NOW)
    old, key = settings.SECRET_KEY, next(iter(heads.public_keys().values()))
    settings.SECRET_KEY = "another-secret-key"
    assert "not signed by a key of this installation" in published().faults[0]
    assert published(keys=[key]).faults == []
    settings.SECRET_KEY_FALLBACKS = [old]
    assert faults() == []
    builders.alice(now=LATER)
    before = lines(file)[-1]["key"]
    assert {each.head.key for each in publish_all(now=LATER)} == {next(iter(heads.public_keys()))} != {before}
    assert faults() == []


def test_verify_exits_1_on_a_cut_chain_and_0_on_the_true_one(house, file, unguarded, capfd, tmp_path):
    """P8: with the file and with a copy of it; the faults, the heads and the public key for machines."""
    publish_all(now=NOW)
    copy = tmp_path / "copy"
    copy.write_bytes(file.read_bytes())
    assert main(["verify"]) == 0
    assert next(iter(heads.public_keys().values())) in capfd.readouterr().out
    last = Seal.objects.filter(clinic_id=house.lakeside.pk).latest("number")
    Event.objects.filter(pk=last.row_id)._raw_delete(using="default")
    last.delete()
    file.unlink()
    assert main(["verify", "--heads", str(copy), "--json"]) == 1
    told = json.loads(capfd.readouterr().out)
    assert told["ok"] is False
    assert f"lakeside: rows after seal {last.number - 1} were removed" in str(told["faults"])
    assert told["heads"]["lakeside"]["seal"] == last.number


def test_verify_refuses_what_is_no_copy_and_no_key(house, file, capfd):
    """P12: each with the mend."""
    assert main(["verify", "--heads", str(file)]) == 1
    assert capfd.readouterr().err.startswith("heads: is no file; name a copy")
    with pytest.raises(SystemExit):
        main(["verify", "--key", "abc"])
    assert "64 hexadecimal digits" in capfd.readouterr().err


def test_two_that_publish_at_once_leave_whole_lines(house, file):
    """P11: one line at a time, whoever else writes; nobody mistakes a line that is being written for a torn one."""
    head = heads.signed_head(clinic="lakeside", seal=1, head="0" * 64, now=NOW)
    children = []
    for _ in range(4):
        child = os.fork()
        if not child:
            for _ in range(50):
                heads.append(file, head)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert lines(file) == [head.as_json()] * 200
