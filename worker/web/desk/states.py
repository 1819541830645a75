"""The states of a message as the desk says them, and the colour of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext_lazy as _

from worker.rules.states import State

if TYPE_CHECKING:
    from django.utils.functional import Promise


class Said(NamedTuple):
    """A word and its tone: good, warn, bad or quiet."""

    word: str | Promise
    tone: str


WORDS = {
    State.PLANNED: Said(_("planned"), "quiet"),
    State.CLAIMED: Said(_("planned"), "quiet"),
    State.SENDING: Said(_("on its way"), "quiet"),
    State.ACCEPTED: Said(_("sent"), "good"),
    State.DELIVERED: Said(_("delivered"), "good"),
    State.UNDELIVERED: Said(_("not delivered"), "bad"),
    State.HELD: Said(_("on hold"), "warn"),
    State.WITHHELD: Said(_("not sent"), "warn"),
    State.CANCELLED: Said(_("cancelled"), "quiet"),
    State.MISSED: Said(_("too late"), "warn"),
    State.REFUSED: Said(_("refused"), "bad"),
    State.UNKNOWN: Said(_("not known yet"), "warn"),
    State.UNRESOLVED: Said(_("nobody knows"), "bad"),
}


def said_of(state: str) -> Said:
    """How the desk says a state."""
    return WORDS[State(state)]
