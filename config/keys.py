"""Keys of an embedded installation, made once and kept in its home folder with mode 0600."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from typing import TYPE_CHECKING

from config.environment import BadSetting

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32
NAMES = ("SECRET_KEY", "FIELD_KEYS", "FINGERPRINT_KEYS")


def fresh_key() -> str:
    """32 random bytes in URL-safe base64, as FIELD_KEYS and FINGERPRINT_KEYS take them."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def embedded_keys(home: Path) -> dict[str, str]:
    """The keys in `home/keys.json`, made when the file is not there yet.

    The file is linked into place whole, so that two processes that start at once agree on one set.
    Raises BadSetting when the folder can't be written.
    """
    path = home / "keys.json"
    try:
        if not path.exists():
            _make(path)
        return {name: str(value) for name, value in json.loads(path.read_text(encoding="utf-8")).items()}
    except OSError as error:
        raise BadSetting(
            f"AFTERCARE_HOME: can't keep keys in {home} ({error.strerror}); "
            "choose a folder that you may write, with AFTERCARE_HOME=/path"
        ) from error
    except ValueError as error:
        raise BadSetting(f"{path} is damaged; restore it from a backup (it opens the stored addresses)") from error


def refuse_bad_keys(name: str, keys: list[str]) -> None:
    """Raise BadSetting unless every key is 32 bytes in URL-safe base64; the key itself is never repeated."""
    for key in keys:
        try:
            length = len(base64.urlsafe_b64decode(key.encode()))
        except ValueError:
            length = 0
        if length != KEY_BYTES:
            raise BadSetting(f"{name}: a key is not 32 bytes in URL-safe base64; python -m config.newkeys prints some")


def sandbox_account(secret_key: str) -> tuple[str, str]:
    """The account SID and auth token that the sandbox provider and we both know, made from the secret key."""
    digest = hashlib.sha256(b"aftercare sandbox " + secret_key.encode()).hexdigest()
    return f"AC{digest[:32]}", digest[32:]


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"keys.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({name: fresh_key() for name in NAMES}, file, indent=1)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first; its keys are the keys
    finally:
        draft.unlink()
