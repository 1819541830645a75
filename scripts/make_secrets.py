# ruff: noqa: INP001 - a script of the Makefile, in no package
"""Make the files that docker-compose.yml reads as secrets: `python scripts/make_secrets.py FOLDER`.

A file that exists is never touched: a new field key would make every stored address unreadable, and a new
fingerprint key would forget who said STOP.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

from config.keys import fresh_key


def contents() -> dict[str, str]:
    """Return a fresh text for each secret; the ones that belong to a provider are empty or `sandbox`."""
    postgres, redis = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    return {
        "postgres_password": postgres,
        "database_url": f"postgres://aftercare:{postgres}@postgres:5432/aftercare",
        "redis_password": redis,
        "redis_url": f"redis://:{redis}@redis:6379/0",
        "secret_key": fresh_key(),
        "secret_key_fallbacks": "",
        "field_keys": fresh_key(),
        "fingerprint_keys": fresh_key(),
        "email_url": "sandbox",
        "email_hook_secret": "",
        "mailbox_url": "",
        "twilio_auth_token": "",
        "twilio_auth_token_fallbacks": "",
        "metrics_token": secrets.token_urlsafe(32),
        "flower_basic_auth": f"operator:{secrets.token_urlsafe(18)}",
        "grafana_admin_password": secrets.token_urlsafe(18),
    }


PAIRS = (("postgres_password", "database_url"), ("redis_password", "redis_url"))


def make(folder: Path) -> list[str]:
    """Write the secrets that `folder` lacks and return their names.

    The folder is 0700, so that only its owner enters; the files are 0444, because the parts run as a user of
    their own (10001) and Compose hands each file on as it is. Raises SystemExit naming a pair of which only
    one half is there: the other half cannot be guessed.
    """
    for one, other in PAIRS:
        if (folder / one).exists() != (folder / other).exists():
            raise SystemExit(f"{folder} has only one of {one} and {other}: restore the other, or remove both.")
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")  # one `git add .` must not publish them
    missing = [(folder / name, text) for name, text in contents().items() if not (folder / name).exists()]
    for path, text in missing:
        path.touch(mode=0o600)
        path.write_text(text + "\n", encoding="utf-8")
        path.chmod(0o444)
    return [path.name for path, _ in missing]


if __name__ == "__main__":
    made = make(Path(sys.argv[1] if len(sys.argv) > 1 else "secrets"))
    sys.stdout.write(f"made: {', '.join(made)}\n" if made else "all secrets are there already\n")
