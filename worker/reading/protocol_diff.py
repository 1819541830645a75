"""What a version says otherwise than another: step by step, text by text, line by line, and nothing else."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from worker.intake.protocol import ProtocolSource, SourceStep

KEPT, GONE, NEW = "kept", "gone", "new"
Line = tuple[str, str]  # kept, gone or new; the words


class Change(NamedTuple):
    """One difference: of which step ("" for the whole protocol), of what, and its lines."""

    step: str
    what: str
    lines: tuple[Line, ...]


class Terms(NamedTuple):
    """How the reader's page says what a file says in codes: of the whole protocol, and of the frame of one step."""

    whole: Callable[[ProtocolSource], dict[str, str]]
    frame: Callable[[SourceStep], dict[str, str]]


def changes(before: ProtocolSource | None, after: ProtocolSource, terms: Terms) -> list[Change]:
    """Everything that a client may come to see or feel otherwise; against None everything is new."""
    return [*_whole(before, after, terms), *_steps(before, after, terms)]


def _whole(before: ProtocolSource | None, after: ProtocolSource, terms: Terms) -> Iterator[Change]:
    old, new = (terms.whole(before) if before else {}), terms.whole(after)
    for what in dict.fromkeys((*old, *new)):
        if old.get(what, "") != new.get(what, ""):
            yield Change("", what, tuple(lines(old.get(what, ""), new.get(what, ""))))


def _steps(before: ProtocolSource | None, after: ProtocolSource, terms: Terms) -> Iterator[Change]:
    old = {step.rule.code: step for step in before.steps} if before else {}
    new = {step.rule.code: step for step in after.steps}
    for code in dict.fromkeys((*old, *new)):
        was, now = _texts(old.get(code), terms), _texts(new.get(code), terms)
        for what in dict.fromkeys((*was, *now)):
            if was.get(what, "") != now.get(what, ""):
                yield Change(code, what, tuple(lines(was.get(what, ""), now.get(what, ""))))


def _texts(step: SourceStep | None, terms: Terms) -> dict[str, str]:
    if step is None:
        return {}
    said = terms.frame(step)
    for text in step.texts:
        for part in ("subject", "text", "html"):
            said[f"{text.channel} {text.language} {part}"] = getattr(text, part)
    return {what: words for what, words in said.items() if words}


def lines(before: str, after: str) -> Iterator[Line]:
    """The lines of both, each kept, gone or new; of what is kept, only the lines beside a change."""
    old, new = before.splitlines(), after.splitlines()
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(1):
        for tag, first, last, start, end in group:
            if tag == "equal":
                yield from ((KEPT, line) for line in old[first:last])
                continue
            yield from ((GONE, line) for line in old[first:last])
            yield from ((NEW, line) for line in new[start:end])
