"""A table that somebody exported from another system (CSV), read strictly: what can't be read is said, not guessed."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple, Protocol

from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 32 * 1024 * 1024  # bytes
MOST_ROWS = 50_000
MOST_COLUMNS = 100
LONGEST_CELL = 2000
DELIMITERS = (",", ";", "\t")


class Records(Protocol):
    """A `csv.reader`, whose own type has no public name in Python 3.11: its records, and how many lines it has read."""

    @property
    def line_num(self) -> int:
        """Lines read so far."""

    def __iter__(self) -> Iterator[list[str]]:
        """The records, one after the other."""


class Table(NamedTuple):
    """The heads of the columns, the rows below them, each as long as the heads, and the line that each begins in."""

    heads: list[str]
    rows: list[list[str]]
    lines: list[int]


def read_table(raw: bytes) -> Table:
    """A CSV file in UTF-8 (or UTF-16 with its mark), by comma, semicolon or tab, its first line the heads.

    Raises Refusals, naming the line; a row that is short gets empty cells, a long one is refused.
    """
    if len(raw) > LARGEST:
        raise _broken("is larger than 32 MB", "split it")
    records = _records(_decoded(raw))
    heads = [" ".join(head.split()) for head in records[0][1]] if records else []
    if not any(heads):
        raise _broken(
            "has no first line with the names of its columns", "add one, such as external_id,given_name,mobile"
        )
    if len(heads) > MOST_COLUMNS:
        raise _broken(f"has more than {MOST_COLUMNS} columns", "take out those that are not needed")
    twice = sorted({head for head in heads if head and heads.count(head) > 1})
    if twice:
        raise _broken("has two columns of the same name", f"name each once; see column {heads.index(twice[0]) + 1}")
    rows = [(line, row) for line, row in records[1:] if any(cell.strip() for cell in row)]
    if not rows:
        raise _broken("has no rows", "add a line for each client")
    if len(rows) > MOST_ROWS:
        raise _broken(f"has more than {MOST_ROWS:,} rows", "split it")
    return Table(heads, [_fitted(row, len(heads), line) for line, row in rows], [line for line, _ in rows])


def numbered(reader: Records) -> Iterator[tuple[int, list[str]]]:
    """Each record of a `csv.reader` with the line of the file that it begins in, as an editor counts them.

    Counted by rows, one empty line or a cell of two lines would send whoever mends the file to another client's row.
    """
    line = 1
    for record in reader:
        yield line, record
        line = reader.line_num + 1


def _decoded(raw: bytes) -> str:
    wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise _broken("is not UTF-8 text", 'save it as "CSV UTF-8"') from None
    if "\0" in text:
        raise _broken("is no text", 'save it as "CSV UTF-8"')
    return text


def _records(text: str) -> list[tuple[int, list[str]]]:
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    try:
        return list(numbered(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)))
    except csv.Error:
        raise _broken("is not a table that can be read", "look for a quote that is not closed") from None


def _fitted(row: list[str], width: int, number: int) -> list[str]:
    if any(cell.strip() for cell in row[width:]):
        raise _broken(f"has more cells than columns in line {number}", "quote cells that hold the delimiter")
    if any(len(cell) > LONGEST_CELL for cell in row):
        raise _broken(f"has a cell of more than {LONGEST_CELL} characters in line {number}", "shorten it")
    return [*row[:width], *[""] * (width - len(row))]


def _broken(problem: str, mend: str) -> Refusals:
    return Refusals([Refusal("file", problem, mend)])
