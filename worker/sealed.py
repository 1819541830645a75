"""Personal data at rest: sealed with AES-GCM under rotating keys, found again by keyed fingerprints.

A sealed value is key id (4 bytes), nonce (12) and ciphertext; `context` (for example "client.name") is bound in,
so that a value moved to another column does not open. A fingerprint is an HMAC over clinic, channel and the
normalised address: two clinics never share one, and nobody can try numbers without the key (rules 61, 62).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from functools import lru_cache
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

SHORTEST = 4 + 12 + 16  # key id, nonce and the tag of an empty value


class Unreadable(Exception):
    """A sealed value whose key is not among FIELD_KEYS, or that was altered."""


class MissingKey(Unreadable):
    """Its key is not among FIELD_KEYS."""


class Fingerprint(NamedTuple):
    """What stands for an address: the id of the key that made it, and 32 bytes."""

    key_id: str
    digest: bytes


def seal(value: str, context: str) -> bytes:
    """Encrypt `value` under the newest of FIELD_KEYS."""
    key_id, cipher = _ciphers()[0]
    nonce = os.urandom(12)
    return key_id + nonce + cipher.encrypt(nonce, value.encode(), context.encode())


def unseal(sealed: bytes | memoryview, context: str) -> str:
    """Decrypt what `seal` made with the same context. Raises Unreadable."""
    raw = bytes(sealed)
    if len(raw) < SHORTEST:
        raise Unreadable(f"a sealed {context} was cut short")
    for key_id, cipher in _ciphers():
        if key_id == raw[:4]:
            try:
                return cipher.decrypt(raw[4:16], raw[16:], context.encode()).decode()
            except InvalidTag as error:
                raise Unreadable(f"a sealed {context} was altered") from error
    raise MissingKey(f"the key of a sealed {context} is not among FIELD_KEYS; put it back at the end of the list")


def seal_json(value: Any, context: str) -> bytes:
    """Seal anything JSON can say."""
    return seal(spoken(value), context)


def spoken(value: Any) -> str:
    """A value as canonical JSON: what is sealed, and what a commitment is made of."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def unseal_json(sealed: bytes | memoryview, context: str) -> Any:
    """Open what `seal_json` made. Raises Unreadable."""
    return json.loads(unseal(sealed, context))


def fingerprint(clinic_id: int, channel: str, address: str) -> Fingerprint:
    """The fingerprint of a normalised address under the newest key: for writing."""
    return fingerprints(clinic_id, channel, address)[0]


def fingerprints(clinic_id: int, channel: str, address: str) -> list[Fingerprint]:
    """The fingerprints under every key, newest first: for look-ups, so that no suppression is ever lost."""
    said = f"{clinic_id}\n{channel}\n{address}".encode()
    return [Fingerprint(key_id, hmac.digest(key, said, "sha256")) for key_id, key in _fingerprint_keys()]


def commitment(value: str, salt: bytes) -> str:
    """A salted hash that may stay in an append-only chain after value and salt are erased."""
    return hashlib.sha256(salt + value.encode()).hexdigest()


def key_id(key: bytes) -> str:
    """The first 8 hex digits of the key's hash: enough to tell keys apart, useless for finding one."""
    return hashlib.sha256(b"aftercare key id" + key).hexdigest()[:8]


@lru_cache(maxsize=1)
def _ciphers() -> list[tuple[bytes, AESGCM]]:
    keys = [_decoded(key, "FIELD_KEYS") for key in settings.FIELD_KEYS]
    return [(bytes.fromhex(key_id(key)), AESGCM(key)) for key in keys]


@lru_cache(maxsize=1)
def _fingerprint_keys() -> list[tuple[str, bytes]]:
    return [(key_id(key), key) for key in (_decoded(key, "FINGERPRINT_KEYS") for key in settings.FINGERPRINT_KEYS)]


def _decoded(key: str, name: str) -> bytes:
    raw = base64.urlsafe_b64decode(key.encode())
    if len(raw) != 32:  # noqa: PLR2004 - AES-256
        raise ValueError(f"{name}: a key must be 32 bytes in URL-safe base64; python -m config.newkeys prints some")
    return raw


def forget_keys() -> None:
    """Read the keys from the settings again (after a rotation, and in tests)."""
    _ciphers.cache_clear()
    _fingerprint_keys.cache_clear()
