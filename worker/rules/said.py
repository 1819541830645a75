"""What a person says for the record, who she is and why: one line that others can read (rule 144, P8)."""

from __future__ import annotations

import unicodedata

from worker.rules.refusal import Refusal
from worker.rules.text import refuse_control


def reason(text: str, field: str) -> str:
    """Why it is done. Raises Refusal as `one_line` does."""
    return one_line(text, field, "say why in a few words")


def one_line(text: str, field: str, mend: str) -> str:
    """The text without spaces around it; `mend` says what to write where it has neither letter nor digit.

    Raises Refusal for nothing said, and for a line end or a hidden character: it would break a line of `aftercare
    status` in two, or make it say something else.
    """
    said = text.strip()
    if not any(unicodedata.category(each)[0] in "LN" for each in said):
        raise Refusal(field, "is empty", mend)
    refuse_control(said, field)
    return said
