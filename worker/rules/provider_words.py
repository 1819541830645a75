"""Which texts a provider that handles STOP and HELP itself has answered already: then we don't (rules 18, 23, 31)."""

from __future__ import annotations

import re

from worker.rules.words import TWILIO_HELP, TWILIO_START, TWILIO_STOP

_AROUND = re.compile(r"^[\W_]+|[\W_]+$")


def answered_stop(body: str, opt_out_type: str) -> bool:
    """True when such a provider has confirmed this STOP; `opt_out_type` is its own verdict, "" where it gave none."""
    return opt_out_type.strip().upper() == "STOP" or _alone(body) in TWILIO_STOP


def answered_help(body: str, opt_out_type: str) -> bool:
    """True when such a provider has answered this HELP."""
    return opt_out_type.strip().upper() == "HELP" or _alone(body) in TWILIO_HELP


def answered_start(body: str, opt_out_type: str) -> bool:
    """True when such a provider has confirmed this START."""
    return opt_out_type.strip().upper() == "START" or _alone(body) in TWILIO_START


def _alone(body: str) -> str:
    """The text as the provider's filter sees it: one word, whatever its case.

    Whether "STOP!" passes its filter nobody says: taken as answered, for two confirmations are worse than none.
    """
    return _AROUND.sub("", body).upper()
