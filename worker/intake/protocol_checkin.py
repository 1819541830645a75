"""The check-in of a protocol: what the care page asks after some steps, and the fixed words for the answers.

A practitioner approves it with everything else of the document; nothing is ever concluded from an answer (rule 41).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from worker.rules.lint import lint_links, lint_marketing
from worker.rules.refusal import Refusal
from worker.rules.text import refuse_control

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CODE = r"[a-z0-9]+(-[a-z0-9]+)*"
LONGEST_CODE = 60
Code = Annotated[str, Field(pattern=f"^{CODE}$", max_length=LONGEST_CODE)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Words = dict[Language, Annotated[str, Field(min_length=1, max_length=400)]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class QuestionShape(_Strict):
    """One question that is answered by a tap, yes or no; `red` is the answer that a person must see at once."""

    code: Code
    red: Literal["yes", "no", ""] = "yes"
    text: Words


class CheckinShape(_Strict):
    """All questions, and what is said to answers without and with a red one: a place to call, never a diagnosis."""

    calm: Words
    urgent: Words
    question: Annotated[list[QuestionShape], Field(min_length=1, max_length=30)]

    def asked(self, codes: Sequence[str]) -> tuple[QuestionShape, ...]:
        """The questions of those codes, in their order."""
        known = {each.code: each for each in self.question}
        return tuple(known[code] for code in codes)


def checkin_faults(
    checkin: CheckinShape | None, languages: Sequence[str], asked: Mapping[str, Sequence[str]], file: str
) -> Iterator[Refusal]:
    """What the shape alone can't say: languages, codes that are asked and not written, and the words themselves."""
    known = [each.code for each in checkin.question] if checkin else []
    for step, codes in asked.items():
        if set(codes) - set(known) or len(set(codes)) < len(codes):
            field = f"{file}.step.{step}.questions"
            yield Refusal(
                field, "names a question that is not written, or one twice", "write it under [[checkin.question]]"
            )
    if checkin is None:
        return
    if len(set(known)) < len(known):
        yield Refusal(f"{file}.checkin.question", "has a code twice", "use each code once")
    said = {"calm": checkin.calm, "urgent": checkin.urgent} | {each.code: each.text for each in checkin.question}
    for name, words in said.items():
        yield from _words_faults(words, languages, f"{file}.checkin.{name}")


def _words_faults(words: Mapping[str, str], languages: Sequence[str], field: str) -> Iterator[Refusal]:
    if set(words) != set(languages):
        yield Refusal(field, "does not match the languages", "write it once in each language")
    for language, text in words.items():
        yield from hidden(text, f"{field}.{language}")
        for finding in (*lint_marketing(text, field), *lint_links(text, field)):
            problem, _, mend = finding.message.partition("; ")
            yield Refusal(f"{field}.{language}", problem, mend or f"reword it to keep rule {finding.rule}")


def hidden(text: str, field: str) -> Iterator[Refusal]:
    """What a person can't see in a title or a question, as a refusal (rule 108)."""
    try:
        refuse_control(text, field)
    except Refusal as refusal:
        yield refusal
