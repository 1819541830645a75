"""The four verbs as people type them: what they print, where they write, and how they refuse (P12)."""

from __future__ import annotations

import json
import stat
from datetime import timedelta

import pytest

from tests.actions.privacy.life import NEXT_DAY, copy_of, lived
from tests.builders import CHARLIE, OKAFOR
from worker import clock
from worker.management.cli import main
from worker.models import Event


@pytest.fixture
def client(house, settings, tmp_path_factory):
    """Alice, with a life behind her; the calendar stands after it."""
    settings.CALENDAR_FILE = str(tmp_path_factory.mktemp("calendar") / "calendar")
    clock.step_to(NEXT_DAY + timedelta(hours=1))
    return lived(house).client


def said(capfd):
    """What was printed for machines."""
    return json.loads(capfd.readouterr().out)


def test_rotate_keys_prints_what_may_go(client, keys, capfd):
    """Progress on standard error, the verdict on each key on standard output; exit 0."""
    keys(field="nf", prints="qp")
    assert main(["rotate-keys", "--batch", "3"]) == 0
    told = capfd.readouterr()
    assert "client.name_sealed: 1 sealed anew, 0 to go" in told.err
    assert told.out.count("nothing uses it any more; it may be dropped") == 2
    assert "once every process runs with this list" in told.out
    assert main(["rotate-keys", "--json"]) == 0
    assert said(capfd)["ok"] is True


def test_rotate_keys_exits_1_for_a_lost_key(client, keys, capfd):
    """What can't be read is counted and named by row, and the mend is said."""
    keys(field="n")
    assert main(["rotate-keys"]) == 1
    told = capfd.readouterr().out
    assert "put it back at the end of FIELD_KEYS" in told
    assert f"client.name_sealed {client.pk}" in told
    assert "Moreau" not in told


def test_erase_prints_the_manifest(client, capfd):
    """For people and for machines; the second time it says since when. Exit 0 both times."""
    assert main(["erase", str(client.pk), "--by", OKAFOR]) == 0
    told = capfd.readouterr().out
    assert told.startswith(f"client {client.pk} is erased\n")
    assert told.count("DELETE http") == 3
    assert main(["erase", str(client.pk), "--by", OKAFOR, "--json"]) == 0
    again = said(capfd)
    assert again["again"] is True
    assert len(again["at_the_provider"]) == 5


def test_erase_refuses_a_stranger(client, capfd):
    """Charlie's address is not repeated; exit 1, and she is as she was."""
    before = copy_of(client)
    assert main(["erase", str(client.pk), "--by", CHARLIE]) == 1
    told = capfd.readouterr()
    assert told.err.startswith("by: is no active")
    assert CHARLIE not in told.err + told.out
    assert copy_of(client) == before


def test_export_to_a_file_that_only_we_may_read(client, capfd, tmp_path):
    """Mode 0600 from the first moment; standard output says where, never what."""
    out = tmp_path / "alice.json"
    assert main(["export", str(client.pk), "--out", str(out)]) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert json.loads(out.read_text(encoding="utf-8"))["client"]["name"] == "Alice Moreau"
    assert "Moreau" not in capfd.readouterr().out


def test_export_overwrites_nothing_and_leaves_nothing(client, capfd, tmp_path, keys):
    """A file that is there, a folder that is not, a client that is not: refused, and no export is on record."""
    there = tmp_path / "there.json"
    there.write_text("mine")
    assert main(["export", str(client.pk), "--out", str(there)]) == 1
    assert there.read_text() == "mine"
    assert main(["export", str(client.pk), "--out", str(tmp_path / "no" / "x.json")]) == 1
    assert main(["export", "4711", "--out", str(tmp_path / "x.json")]) == 1
    keys(field="n")
    assert main(["export", str(client.pk), "--out", str(tmp_path / "y.json")]) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["there.json"]
    told = capfd.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in told] == ["out", "out", "client", "client"]
    assert not Event.objects.filter(kind="exported").exists()


def test_export_prints_json(client, capfd):
    """Without --out it goes to standard output, whole."""
    assert main(["export", str(client.pk)]) == 0
    assert said(capfd)["contacts"][0]["address"] == "+12125550123"


def test_retain_counts_or_empties(client, capfd):
    """--dry-run says what would go; a number of days that is none is refused."""
    assert main(["retain", "--dry-run", "--json"]) == 0
    assert said(capfd)["dry_run"] is True
    assert main(["retain", "--bodies-days", "0"]) == 1
    assert capfd.readouterr().err.startswith("bodies-days:")
