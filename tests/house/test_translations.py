"""The interface's Spanish is compiled, whole for the pages of the desk, and keeps every name in a phrase."""

from __future__ import annotations

import gettext
import io
import re
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "locale" / "es" / "LC_MESSAGES"
NAMES = re.compile(r"%\([a-z]+\)s")


@pytest.fixture(scope="module")
def words():
    return read_po(io.BytesIO((FOLDER / "django.po").read_bytes()), locale="es")


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
