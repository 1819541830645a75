"""Print a fresh set of secrets for an installation: python -m config.newkeys >> .env."""

from __future__ import annotations

from config.keys import fresh_key

if __name__ == "__main__":
    for name in ("SECRET_KEY", "FIELD_KEYS", "FINGERPRINT_KEYS"):
        print(f"{name}={fresh_key()}")  # noqa: T201 - printing is what this command is for
