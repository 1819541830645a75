"""The interface's Spanish is compiled, whole for the pages of the desk, and keeps every name in a phrase."""

from __future__ import annotations

import gettext
import importlib.util
import io
import re
import shutil
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "templates" / "locale" / "es" / "LC_MESSAGES"
NAMES = re.compile(r"%\([a-z]+\)s")


@pytest.fixture(scope="module")
def words():
    return read_po(io.BytesIO((FOLDER / "django.po").read_bytes()), locale="es")


@pytest.fixture
def script(tmp_path, monkeypatch):
    """scripts/translations.py over a copy of the catalogues."""
    spec = importlib.util.spec_from_file_location("translations", ROOT / "scripts" / "translations.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shutil.copytree(module.FOLDER, tmp_path / "locale")
    monkeypatch.setattr(module, "FOLDER", tmp_path / "locale")
    return module


def _phrases(compiled: bytes) -> dict[object, str]:
    """All but the header, which holds dates."""
    known = dict(gettext.GNUTranslations(io.BytesIO(compiled))._catalog)
    known.pop("")
    return known


def test_what_django_reads_is_what_was_written(words):
    """The compiled file says what the readable one says: run `make translations` after a change."""
    out = io.BytesIO()
    write_mo(out, words)
    kept = (FOLDER / "django.mo").read_bytes()
    assert _phrases(out.getvalue()) == _phrases(kept)


def test_no_phrase_loses_a_name(words):
    """A translation without %(name)s would greet nobody, one with another name would break the page."""
    for each in (each for each in words if each.id and each.string):
        said = each.id if isinstance(each.id, str) else each.id[1]
        strings = (each.string,) if isinstance(each.string, str) else each.string
        for string in filter(None, strings):
            assert sorted(NAMES.findall(string)) == sorted(NAMES.findall(said)), said


def test_every_word_of_the_desk_is_collected_and_translated(script, capsys):
    """Spanish is whole: run `make translations` after a change, and write what it misses."""
    assert (script.main(["--check"]), capsys.readouterr().out) == (0, "")


def test_a_check_says_what_differs_and_changes_nothing(script, capsys):
    """A word without its Spanish, a word that nobody uses, a compiled file that is old: said, and left as they are."""
    folder = script.FOLDER / "es" / "LC_MESSAGES"
    words = (folder / "django.po").read_bytes()
    (folder / "django.po").write_bytes(
        words.replace(b'msgstr "D\xc3\xada"', b'msgstr ""') + b'\nmsgid "Gone"\nmsgstr "Ido"\n'
    )
    (folder / "django.mo").write_bytes(b"")
    before = {file: file.read_bytes() for file in folder.iterdir()}
    assert script.main(["--check"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert {"es: not translated: Day", '-msgid "Gone"'} <= set(said)
    for name in ("django.po", "django.mo"):
        assert f"es/LC_MESSAGES/{name}: is old; run `make translations`" in said
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


def test_writing_brings_both_files_up_to_date(script):
    """The same words make the same files, to the byte."""
    folder = script.FOLDER / "es" / "LC_MESSAGES"
    before = {file: file.read_bytes() for file in folder.iterdir()}
    (folder / "django.mo").unlink()
    assert script.main([]) == 0
    assert {file: file.read_bytes() for file in folder.iterdir()} == before
