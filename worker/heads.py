"""Signed heads: what a clinic's chain had come to at one moment, kept where the database's owner can't reach (P8).

Whoever owns the database can cut the newest rows off together with their seals; a head published before says how far
the chain had come. Heads are signed with Ed25519, under a key made from SECRET_KEY, so that anybody who holds the
public key can check them and nobody who holds only the database can make one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FORM = "aftercare chain head 1"
INSTALLATION = "(all clinics)"  # the name of the installation's own chain; no clinic can have it
LONGEST = 2_000  # characters of a line; ours have about 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One published head. `published_at` is ISO 8601 in UTC, as it was signed; `key` is the id of the key."""

    clinic: str
    seal: int
    head: str
    published_at: str
    key: str
    signature: str

    @property
    def at(self) -> datetime:
        """When it was published, aware UTC."""
        return datetime.fromisoformat(self.published_at)

    @property
    def day(self) -> str:
        """The same as people read it."""
        return f"{self.at:%-d %B %Y %H:%M} UTC"

    def as_json(self) -> dict[str, Any]:
        """Its fields, as a line of the heads file holds them."""
        return asdict(self)


class Line(NamedTuple):
    """One line of a heads file: a genuine head, or what is wrong with it."""

    number: int
    head: Head | None
    fault: str = ""


def plain(value: Any) -> str:
    """A value as the one JSON text that is signed and hashed."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def sign(form: str, said: Mapping[str, Any]) -> str:
    """The signature under the newest key, hexadecimal; `form` names the kind of document and is signed with it."""
    return _private(settings.SECRET_KEY).sign(_message(form, said)).hex()


def signed_head(*, clinic: str, seal: int, head: str, now: datetime) -> Head:
    """A head of one clinic's chain as of `now`, signed under the newest key."""
    moment = now.astimezone(UTC).isoformat(timespec="microseconds")
    key = next(iter(public_keys()))
    unsigned = Head(clinic=clinic, seal=seal, head=head, published_at=moment, key=key, signature="")
    return replace(unsigned, signature=sign(FORM, _said(unsigned)))


def public_keys() -> dict[str, str]:
    """Our public keys (64 hexadecimal digits) by their ids, the newest first, then those of SECRET_KEY_FALLBACKS."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return by_id(_private(each).public_key().public_bytes_raw().hex() for each in secrets)


def by_id(keys: Iterator[str]) -> dict[str, str]:
    """Public keys by their ids: the first 16 digits of the key's hash."""
    return {hashlib.sha256(bytes.fromhex(each)).hexdigest()[:16]: each for each in keys}


def genuine(head: Head, keys: Mapping[str, str]) -> bool:
    """Whether one of these keys signed it."""
    if head.key not in keys:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(keys[head.key]))
        key.verify(bytes.fromhex(head.signature), _message(FORM, _said(head)))
    except (InvalidSignature, ValueError):
        return False
    return True


def lines(path: Path, keys: Mapping[str, str]) -> Iterator[Line]:
    """Each line of a heads file, checked; none where there is no file. Raises OSError when it can't be read."""
    return (_line(number, text, keys) for number, text in _texts(path))


def of_clinic(path: Path, keys: Mapping[str, str], clinic: str) -> list[Head]:
    """A clinic's genuine heads, the earliest first. Raises OSError."""
    read = (_read(text) for _, text in _texts(path))
    hers = [each for each in read if each and each.clinic == clinic and genuine(each, keys)]
    return sorted(hers, key=_order)


def newest(path: Path, keys: Mapping[str, str]) -> dict[str, Head]:
    """Of each clinic the genuine head that came farthest; only that one is checked, for a file grows for years.

    Raises OSError.
    """
    found: dict[str, Head] = {}
    for head in sorted(filter(None, (_read(text) for _, text in _texts(path))), key=_order, reverse=True):
        if head.clinic not in found and genuine(head, keys):
            found[head.clinic] = head
    return found


def append(path: Path, head: Head) -> None:
    """Add one head and wait until the disk has it. Raises OSError."""
    add_line(path, plain(head.as_json()))


def add_line(path: Path, text: str) -> None:
    """Add one line and wait until the disk has it. Raises OSError.

    Under the file's lock: two processes that publish at once leave two whole lines, and neither takes the other's
    half-written line for one that a crash cut short. After such a crash the next line begins afresh.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # the close below lets go of it
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, ("\n" * torn + text + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    try:
        file = path.open(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    with file:
        number = 0
        while text := file.readline(LONGEST):
            number += 1
            if text.strip():
                yield number, text


def _order(head: Head) -> tuple[int, str]:
    return head.seal, head.published_at


def _line(number: int, text: str, keys: Mapping[str, str]) -> Line:
    head = _read(text)
    if head is None:
        return Line(number, None, "can't be read: it was cut short or changed")
    if not genuine(head, keys):
        return Line(
            number, None, "is not signed by a key of this installation: forged, or made under a lost SECRET_KEY"
        )
    return Line(number, head)


def _read(text: str) -> Head | None:
    kinds = {"seal": int} | {each.name: str for each in fields(Head) if each.name != "seal"}
    try:
        said = json.loads(text)
        right = said.keys() == kinds.keys() and all(type(said[name]) is kind for name, kind in kinds.items())
        head = Head(**said) if right else None
        dated = head is not None and head.at.tzinfo is not None
    except (ValueError, AttributeError, RecursionError):
        return None
    return head if dated else None


def _said(head: Head) -> dict[str, Any]:
    return {name: value for name, value in head.as_json().items() if name != "signature"}


def _message(form: str, said: Mapping[str, Any]) -> bytes:
    return f"{form}\n{plain(said)}".encode()


def _private(secret: str) -> Ed25519PrivateKey:
    made = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"aftercare chain head").derive(secret.encode())
    return Ed25519PrivateKey.from_private_bytes(made)
