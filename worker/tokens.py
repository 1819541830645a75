"""Tokens in links: 18 bytes that name a link row and prove that we made them (rules 73, 114).

A token is the link's random key (8 bytes), a step number (1 byte) and a truncated HMAC (9 bytes): 24 characters, no
personal data, never expiring. It is signed under SECRET_KEY; SECRET_KEY_FALLBACKS keep old ones working.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
import struct
import uuid
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings

LENGTH = 24
_SIGNED = 9
_RETURN_PATH = re.compile(r"bounce\+([0-9a-f]{32})([0-9a-f]{16})@")
MOST_RETURNED = 20  # a mail that names more is looked at no further


class Named(NamedTuple):
    """What a genuine token names: a link's key, and the ordinal of a step (0 when it is about no step)."""

    key: int
    step: int


def new_key() -> int:
    """A fresh random key for a link: 63 bits, so that it fits a signed column."""
    return secrets.randbits(63)


def make(kind: str, key: int, step: int = 0) -> str:
    """The token of a link under the newest key."""
    said = struct.pack(">QB", key, step)
    return base64.urlsafe_b64encode(said + _signature(_keys()[0], kind, said)).decode()


def read(kind: str, token: str) -> Named | None:
    """What a token names, or None when it is not ours; compared in constant time under every key."""
    if len(token) != LENGTH:
        return None
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    said, signature = raw[:_SIGNED], raw[_SIGNED:]
    genuine = [hmac.compare_digest(_signature(key, kind, said), signature) for key in _keys()]
    return Named(*struct.unpack(">QB", said)) if any(genuine) else None


def _signature(key: bytes, kind: str, said: bytes) -> bytes:
    return hmac.digest(key, kind.encode() + said, "sha256")[:_SIGNED]


@lru_cache(maxsize=1)
def _keys() -> list[bytes]:
    return [b"aftercare link " + key.encode() for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def forget_keys() -> None:
    """Read the keys from the settings again."""
    _keys.cache_clear()


def return_path(attempt_id: uuid.UUID) -> str:
    """The local part that the bounces of one mail come back to: its attempt, and a proof that we wrote it (rule 128).

    All lower case and 55 characters, for mail servers change the case and take no more than 64 (RFC 5321 4.5.3.1.1).
    """
    return f"bounce+{attempt_id.hex}{_proof(_keys()[0], attempt_id)}"


def returned(text: str) -> list[uuid.UUID]:
    """The attempts whose genuine return paths stand in `text`, in their order; what nobody signed is left out."""
    found = [(uuid.UUID(name), proof) for name, proof in _RETURN_PATH.findall(text.lower())[:MOST_RETURNED]]
    return [name for name, proof in found if _is_ours(name, proof)]


def _is_ours(attempt_id: uuid.UUID, proof: str) -> bool:
    genuine = [hmac.compare_digest(_proof(key, attempt_id), proof) for key in _keys()]
    return any(genuine)


def _proof(key: bytes, attempt_id: uuid.UUID) -> str:
    return hmac.digest(key, b"bounce" + attempt_id.bytes, "sha256")[:8].hex()
