"""The provider's own STOP list, as narrow as the real one: only a whole message of one keyword counts (rule 18)."""

from __future__ import annotations

_STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT"})
_START = frozenset({"START", "UNSTOP"})
_HELP = frozenset({"HELP", "INFO"})
_TOLL_FREE = ("+1800", "+1833", "+1844", "+1855", "+1866", "+1877", "+1888")

REPLIES = {
    "STOP": "You will get no more messages from this number. Reply START to get them again.",
    "START": "You will get messages from this number again. Reply HELP for help, STOP to end.",
    "HELP": "Reply STOP to end these messages. Msg & data rates may apply.",
}


def keyword(body: str, *, to: str) -> str | None:
    """STOP, START, HELP or None; YES counts as START except on toll-free numbers (rule 30)."""
    word = body.strip().upper()
    if word in _STOP:
        return "STOP"
    if word in _START or (word == "YES" and not to.startswith(_TOLL_FREE)):
        return "START"
    return "HELP" if word in _HELP else None


class BlockList:
    """Pairs of (service or number, phone) that get 21610; filled and emptied by keywords alone."""

    def __init__(self) -> None:
        """Begin with nobody blocked."""
        self._blocked: set[tuple[str, str]] = set()

    def heard(self, word: str, *, sender: str, phone: str) -> None:
        """Apply a STOP or START that `phone` sent to `sender` (MG... or number)."""
        if word == "STOP":
            self._blocked.add((sender, phone))
        elif word == "START":
            self._blocked.discard((sender, phone))

    def blocks(self, *, sender: str, phone: str) -> bool:
        """True when `sender` may not write to `phone`."""
        return (sender, phone) in self._blocked

    def everyone(self) -> list[list[str]]:
        """Return the pairs, sorted, for display."""
        return sorted([sender, phone] for sender, phone in self._blocked)
