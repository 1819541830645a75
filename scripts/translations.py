"""Collect the words of the interface into the catalogues and compile them; needs no gettext: `make translations`.

python scripts/translations.py           collect, keep what is translated, compile
python scripts/translations.py --check   change nothing; exit 1 when a word has no translation or a file is old
"""

from __future__ import annotations

import argparse
import io
import sys
from datetime import UTC, datetime
from difflib import unified_diff
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
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "templates" / "locale"
LANGUAGES = ("es",)
KEYWORDS = {
    "gettext": None, "_": None, "lazy": None, "gettext_lazy": None, "ngettext": (1, 2), "ngettext_lazy": (1, 2)
}  # fmt: skip
NO_DATE = datetime(2020, 1, 1, tzinfo=UTC)  # the same words make the same file


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
    fresh = Catalog(
        locale=language, project="Aftercare", fuzzy=False, header_comment="# Words of the desk.",
        creation_date=NO_DATE, revision_date=NO_DATE,
    )  # fmt: skip
    for where, said in found():
        before = known.get(said if isinstance(said, str) else said[0])
        fresh.add(said, before.string if before else "", locations=[(where, None)])
    return fresh


def files(words: Catalog, language: str) -> dict[Path, bytes]:
    """What both files should hold: the .po that people read, and the .mo that Django does."""
    readable, compiled = io.BytesIO(), io.BytesIO()
    write_po(readable, words, sort_output=True, omit_header=False, width=120, include_lineno=False)
    write_mo(compiled, words)
    folder = FOLDER / language / "LC_MESSAGES"
    return {folder / "django.po": _dateless(readable.getvalue()), folder / "django.mo": compiled.getvalue()}


def missing(words: Catalog) -> list[str]:
    """What nobody has translated yet."""
    return [
        each.id if isinstance(each.id, str) else each.id[0]
        for each in words
        if each.id and not (each.string if isinstance(each.string, str) else all(each.string))
    ]


def old(wanted: dict[Path, bytes]) -> Iterator[str]:
    """Which files are not what they should be, and the lines of those that can be read."""
    for file, content in wanted.items():
        kept = file.read_bytes() if file.exists() else b""
        if kept != content:
            yield f"{file.relative_to(FOLDER)}: is old; run `make translations`"
            if file.suffix == ".po":
                yield from unified_diff(kept.decode().splitlines(), content.decode().splitlines(), n=0, lineterm="")


def write(wanted: dict[Path, bytes]) -> None:
    """Put each in its place."""
    for file, content in wanted.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def main(given: Sequence[str] | None = None) -> int:
    """Do it for each language, or say what is to do; 1 when a word has no translation or a checked file is old."""
    reader = argparse.ArgumentParser(description="Collect and compile the words of the interface.")
    reader.add_argument("--check", action="store_true", help="change nothing, say what differs")
    check = reader.parse_args(given).check
    if not settings.configured:
        settings.configure(USE_I18N=False)
        django.setup()
    faults = []
    for language in LANGUAGES:
        words = catalogue(language)
        faults += [f"{language}: not translated: {left}" for left in missing(words)]
        wanted = files(words, language)
        if check:
            faults += old(wanted)
        else:
            write(wanted)
    print("".join(f"{fault}\n" for fault in faults), end="")
    return 1 if faults else 0


def _dateless(text: bytes) -> bytes:
    """Without dates: the same words make the same file."""
    return b"".join(
        line for line in text.splitlines(keepends=True) if not line.startswith((b'"POT-Creation', b'"PO-Revision'))
    )


if __name__ == "__main__":
    sys.exit(main())
