"""The shapes that the provider insists on, written from its public reference."""

from __future__ import annotations

import re

ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
MESSAGE_SID = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}")
SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
SHORT_CODE = re.compile(r"[0-9]{3,8}")
ALPHA_SENDER = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &_+-]{1,11}")


def is_sender(value: str) -> bool:
    """True for what may stand in From: a number (E.164), a short code or an alphanumeric sender id."""
    return bool(PHONE.fullmatch(value) or SHORT_CODE.fullmatch(value) or ALPHA_SENDER.fullmatch(value))
