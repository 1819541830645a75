"""Why a hold may end: a fixed list, so that the record holds a reason and never a client's words (P9, rule 17)."""

from __future__ import annotations

from enum import StrEnum


class ReleaseReason(StrEnum):
    """What a person found out before the messages go on."""

    HARMLESS = "harmless"
    SPOKEN = "spoken"
    PROVIDER = "provider"
    MISTAKE = "mistake"


PLAIN = {
    ReleaseReason.HARMLESS: "the reply had nothing to do with stopping",
    ReleaseReason.SPOKEN: "somebody spoke with the client, who wants the messages",
    ReleaseReason.PROVIDER: "what the provider reported is cleared up",
    ReleaseReason.MISTAKE: "the address was held by mistake",
}
