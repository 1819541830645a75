"""The text files of a protocol: found, read and checked one by one (rules 36-41, 104-106, 108)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from worker.intake.protocol_shape import FILE
from worker.intake.wording import Place, email_faults, html_faults, sms_faults, subject_faults
from worker.rules.names import Channel
from worker.rules.refusal import Refusal
from worker.rules.text import refuse_control

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from worker.intake.protocol_shape import HeaderShape, StepShape

LARGEST = 64 * 1024  # bytes; the longest text a person should have to approve is a tenth of it
MOST_FILES = 2000
_SUBJECT = re.compile(r"Subject: (?P<subject>[^\n]+)\n\n(?P<body>.*)", re.DOTALL)
_ENDINGS = {Channel.SMS: ("sms.txt",), Channel.EMAIL: ("email.txt", "email.html")}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepText:
    """What one step says on one channel in one language: Jinja2 sources; `subject` and `html` are "" for SMS."""

    channel: Channel
    language: str
    text: str
    subject: str = ""
    html: str = ""


def found_files(
    folder: Path, header: HeaderShape, shapes: list[StepShape], faults: list[Refusal]
) -> dict[str, str | None]:
    """The text files of a folder by name; every missing, foreign or unreadable one is added to `faults`."""
    expected = _expected(header, shapes)
    found = _found(folder, expected, faults)
    _miss(expected - found, faults)
    return {name: read_small(folder / name, faults) for name in sorted(expected & found)}


def given_files(
    files: Mapping[str, str], header: HeaderShape, shapes: list[StepShape], faults: list[Refusal]
) -> dict[str, str | None]:
    """The same of texts that somebody typed in; those of steps, channels and languages that are gone are left out."""
    expected = _expected(header, shapes)
    _miss(expected - set(files), faults)
    return {name: _decoded(name, files[name].encode(), faults) for name in sorted(expected & set(files))}


def _expected(header: HeaderShape, shapes: list[StepShape]) -> set[str]:
    return {name for shape in shapes for name in _names(shape, header.languages)}


def _miss(names: Iterable[str], faults: list[Refusal]) -> None:
    mend = "write this text, or take its channel or language out"
    faults.extend(Refusal(name, "is missing", mend) for name in sorted(names))


def read_texts(
    header: HeaderShape, shapes: list[StepShape], files: dict[str, str | None], faults: list[Refusal]
) -> dict[str, tuple[StepText, ...]]:
    """All texts by step code; every unfit one is added to `faults`."""
    return {shape.code: tuple(_step_texts(shape, header, files, faults)) for shape in shapes}


def _names(shape: StepShape, languages: Iterable[str]) -> Iterator[str]:
    for channel, language in product(_channels(shape), languages):
        yield from (f"{shape.code}.{language}.{ending}" for ending in _ENDINGS[channel])


def _channels(shape: StepShape) -> tuple[Channel, ...]:
    return tuple(channel for channel in Channel if channel in (*shape.channels, *shape.fallback))


def _found(folder: Path, expected: set[str], faults: list[Refusal]) -> set[str]:
    """The names in the folder that are expected; a file nobody sends would look approved and is refused."""
    names = sorted(path.name for path in folder.iterdir())
    if len(names) > MOST_FILES:
        faults.append(Refusal("folder", f"holds more than {MOST_FILES} files", "keep one protocol in it"))
        return set()
    for place, name in enumerate(names, start=1):
        if name not in expected and name != FILE:
            shown = name if _PLAIN_NAME.fullmatch(name) else f"file {place}"
            mend = "remove it, or add its step, channel or language to protocol.toml"
            faults.append(Refusal(shown, "belongs to no step of this protocol", mend))
    return expected.intersection(names)


_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


def read_small(path: Path, faults: list[Refusal]) -> str | None:
    """The text of one file with line feeds as line ends, or None with its fault added.

    A link is refused: it could lead anywhere on the machine, and what it leads to can change after approval.
    """
    try:
        if path.is_symlink() or not path.is_file():
            faults.append(Refusal(path.name, "is not a plain file", "put the file itself into the folder"))
            return None
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError:
        faults.append(Refusal(path.name, "cannot be read", "check the path and its permissions"))
        return None
    return _decoded(path.name, raw, faults)


def _decoded(name: str, raw: bytes, faults: list[Refusal]) -> str | None:
    if len(raw) > LARGEST:
        faults.append(Refusal(name, "is larger than 64 kB", "shorten it"))
        return None
    try:
        text = raw.decode("utf-8").replace("\r\n", "\n")
        refuse_control(text.replace("\t", " ") if name == FILE else text, name, newlines=True)
    except UnicodeDecodeError:
        faults.append(Refusal(name, "is not UTF-8", "save it as UTF-8"))
    except Refusal as refusal:
        faults.append(refusal)
    else:
        return text
    return None


def _step_texts(
    shape: StepShape, header: HeaderShape, files: dict[str, str | None], faults: list[Refusal]
) -> Iterator[StepText]:
    for channel, language in product(_channels(shape), header.languages):
        parts = [_Part(shape, header, language, ending, files) for ending in _ENDINGS[channel]]
        yield _sms(*parts, faults=faults) if channel is Channel.SMS else _email(*parts, faults=faults)


class _Part:
    """One file of a text, and where it stands; `text` is None when the file was refused already."""

    def __init__(
        self, shape: StepShape, header: HeaderShape, language: str, ending: str, files: dict[str, str | None]
    ) -> None:
        name = f"{shape.code}.{language}.{ending}"
        self.text = files.get(name)
        self.place = Place(file=name, step=shape, language=language, treatments=tuple(header.title.values()))


def _sms(part: _Part, *, faults: list[Refusal]) -> StepText:
    if part.text is not None:
        faults.extend(sms_faults(part.text, part.place))
    return StepText(channel=Channel.SMS, language=part.place.language, text=part.text or "")


def _email(plain: _Part, rich: _Part, *, faults: list[Refusal]) -> StepText:
    subject, body = "", ""
    if plain.text is not None and (parts := _SUBJECT.fullmatch(plain.text)):
        subject, body = parts["subject"], parts["body"]
        faults.extend(subject_faults(subject, plain.place))
        faults.extend(email_faults(body, plain.place))
    elif plain.text is not None:
        mend = 'begin with one line "Subject: ..." and one empty line'
        faults.append(Refusal(plain.place.file, "has no subject", mend))
    if rich.text is not None:
        faults.extend(html_faults(rich.text, rich.place))
    return StepText(
        channel=Channel.EMAIL, language=plain.place.language, text=body, subject=subject, html=rich.text or ""
    )
