"""Why a session may be taken back: a fixed list, so that the record holds a reason and never a client's words (P9)."""

from __future__ import annotations

from enum import StrEnum


class VoidReason(StrEnum):
    """What a person found out about a session on record."""

    NOT_DONE = "not_done"
    OTHER_CLIENT = "other_client"
    TWICE = "twice"


PLAIN = {
    VoidReason.NOT_DONE: "it was never done",
    VoidReason.OTHER_CLIENT: "it was another client's",
    VoidReason.TWICE: "it was recorded twice",
}
