"""`make secrets` makes each secret once and never touches one that exists (P2, P9)."""

from __future__ import annotations

import stat

import pytest

from scripts.make_secrets import contents, make
from worker.sandbox.lockfile import ensure_home


@pytest.fixture
def folder(tmp_path):
    made = make(tmp_path / "secrets")
    assert sorted(made) == sorted(contents())
    return tmp_path / "secrets"


def test_nothing_that_exists_is_touched(folder):
    """New fingerprint keys would forget who said STOP: a second run changes nothing (P2)."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    assert make(folder) == []

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_is_missing_is_added(folder):
    """A secret that a newer release brings is made beside the old ones."""
    (folder / "flower_basic_auth").unlink()
    assert make(folder) == ["flower_basic_auth"]


def test_half_of_a_pair_is_refused(folder):
    """A database password cannot be guessed from nothing: the mend is named, and nothing changes (P12)."""
    (folder / "postgres_password").unlink()

    with pytest.raises(SystemExit, match="postgres_password and database_url"):
        make(folder)

    assert not (folder / "postgres_password").exists()


def test_each_pair_holds_the_same_password(folder):
    """What the server asks for is what the parts say."""
    for one, other in (("postgres_password", "database_url"), ("redis_password", "redis_url")):
        assert f":{(folder / one).read_text().strip()}@" in (folder / other).read_text()


def test_only_the_owner_enters_and_git_takes_none(folder):
    """The folder is private and ignored by git; the files can be read by a part that is not their owner (P9)."""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in contents()} == {0o444}
    assert ensure_home(folder) == folder


def test_no_two_installations_share_a_secret():
    """Every secret that is made is random."""
    one, other = contents(), contents()
    for name, text in one.items():
        assert text != other[name] or text in {"", "sandbox"}
