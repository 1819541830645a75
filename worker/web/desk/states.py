"""The states of a message and of its calls as the desk says them, and the colour of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from worker.models.attempt import AttemptState
from worker.reading.explain import plain
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
CALLS: dict[str, str | Promise] = {
    AttemptState.SENDING: _("on its way"),
    AttemptState.ACCEPTED: _("the provider took it"),
    AttemptState.REFUSED: _("refused"),
    AttemptState.NOT_STARTED: _("not begun: nothing left"),
    AttemptState.TRY_LATER: _("to be tried later"),
    AttemptState.UNKNOWN: _("not known yet"),
    AttemptState.ABSENT: _("proved not to have left"),
    AttemptState.UNRESOLVED: _("nobody knows"),
}
"""What became of one call to the provider."""
RECEIPTS: dict[str, str | Promise] = {
    "scheduled": _("planned"),
    "queued": _("waits at the provider"),
    "accepted": _("the provider took it"),
    "sending": _("on its way"),
    "sent": _("sent"),
    "delivered": _("delivered"),
    "partially_delivered": _("delivered in part"),
    "read": _("read"),
    "undelivered": _("not delivered"),
    "failed": _("failed"),
    "canceled": _("cancelled"),
}
"""What a receipt of the provider's says; a word that is none of these is shown as it came."""


def said_of(state: str) -> Said:
    """How the desk says a state."""
    return WORDS[State(state)]


def told_calls(attempts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Calls as worker/reading/explain.py tells them, with their states and their receipts' in words."""
    return [
        each | {
            "said": CALLS[each["state"]],
            "plain": plain(each["code"]),
            "receipts": [got | {"said": RECEIPTS.get(got["status"], got["status"])} for got in each["receipts"]],
        }
        for each in attempts
    ]  # fmt: skip
