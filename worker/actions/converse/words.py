"""What a person may write in a thread: the rules of wording hold for her as for an approved text (rules 13, 37, 38)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.rules.lint import lint_cancel, lint_health, lint_links, lint_marketing, lint_punishment
from worker.rules.names import Channel
from worker.rules.refusal import Refusal, Refusals
from worker.rules.text import Segments, refuse_control, segments, simplify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.models import Clinic

LONGEST = {Channel.SMS: 320, Channel.EMAIL: 4000}
FIELD = "words"


def checked_words(words: str, *, clinic: Clinic, channel: Channel) -> str:
    """The words as they will be sent, plain where the channel is. Raises Refusals with every fault."""
    said = simplify(words).strip()
    faults = list(_faults(said, clinic, channel))
    if faults:
        raise Refusals(faults)
    return said


def cost_of(words: str) -> Segments:
    """What the words alone cost as a text, for the preview; the approved frame comes on top."""
    return segments(simplify(words).strip())


def _faults(said: str, clinic: Clinic, channel: Channel) -> Iterator[Refusal]:
    if not said:
        yield Refusal(FIELD, "are empty", "write what to tell her")
    if len(said) > LONGEST[channel]:
        yield Refusal(FIELD, f"are longer than {LONGEST[channel]} characters", "say it shorter, or call her")
    try:
        refuse_control(said, FIELD, newlines=True)
    except Refusal as refusal:
        yield refusal
    found = [*lint_marketing(said, FIELD), *lint_cancel(said, FIELD), *lint_punishment(said, FIELD)]
    found += lint_links(said, FIELD)
    if channel is Channel.SMS and not clinic.says_treatment:  # it lies open on a locked screen
        found += lint_health(said, FIELD, brand=clinic.name)
    for finding in found:
        problem, _, mend = finding.message.partition("; ")
        yield Refusal(FIELD, problem, mend or f"reword it (rule {finding.rule})")
