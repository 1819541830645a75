"""Collect the words of the interface into the catalogues and compile them; needs no gettext: `make translations`.

python scripts/translations.py           collect, keep what is translated, compile
python scripts/translations.py --check   change nothing; exit 1 when a word is missing or the compiled file is old
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import django
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "templates" / "locale"
LANGUAGES = ("es",)
KEYWORDS = {"gettext": None, "_": None, "lazy": None, "gettext_lazy": None, "ngettext": (1, 2)}


def found() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Every word to translate, with the file it stands in."""
    for path in sorted((ROOT / "worker").rglob("*.py")):
        yield from _in(path, path.read_bytes())
    for path in sorted((ROOT / "templates" / "pages").rglob("*.*")):
        if path.suffix in {".html", ".txt"}:
            yield from _in(path, templatize(path.read_text(encoding="utf-8"), origin=path.name).encode())


def _in(path: Path, source: bytes) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    for _line, words, _comments, _context in extract("python", io.BytesIO(source), KEYWORDS):
        said = words if isinstance(words, str) else tuple(words[:2])
        yield str(path.relative_to(ROOT)), said


def catalogue(language: str) -> Catalog:
    """The words of today with the translations that are known."""
    file = FOLDER / language / "LC_MESSAGES" / "django.po"
    known = read_po(io.BytesIO(file.read_bytes()), locale=language) if file.exists() else Catalog(locale=language)
    fresh = Catalog(locale=language, project="Aftercare", fuzzy=False, header_comment="# Words of the desk.")
    for where, said in found():
        before = known.get(said if isinstance(said, str) else said[0])
        fresh.add(said, before.string if before else "", locations=[(where, None)])
    return fresh


def written(words: Catalog, *, compiled: bool) -> bytes:
    """The catalogue as a .po, or as the .mo that Django reads."""
    out = io.BytesIO()
    if compiled:
        write_mo(out, words)
    else:
        write_po(out, words, sort_output=True, omit_header=False, width=120, include_lineno=False)
    return out.getvalue()


def missing(words: Catalog) -> list[str]:
    """What nobody has translated yet."""
    return [
        str(each.id)
        for each in words
        if each.id and not (each.string if isinstance(each.string, str) else all(each.string))
    ]


def main() -> int:
    """Do it for each language."""
    settings.configure(USE_I18N=False)
    django.setup()
    bad = 0
    for language in LANGUAGES:
        words = catalogue(language)
        folder = FOLDER / language / "LC_MESSAGES"
        for left in missing(words):
            print(f"{language}: not translated: {left}")
            bad = 1
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "django.po").write_bytes(_dateless(written(words, compiled=False)))
        (folder / "django.mo").write_bytes(written(words, compiled=True))
    return bad


def _dateless(text: bytes) -> bytes:
    """Without dates: the same words make the same file."""
    return b"".join(
        line for line in text.splitlines(keepends=True) if not line.startswith((b'"POT-Creation', b'"PO-Revision'))
    )


if __name__ == "__main__":
    sys.exit(main())
