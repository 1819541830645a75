"""The `aftercare` command as its users start it: a process with an environment, output and an exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "worker.management.cli")
# Settings that the caller of the tests, or the tests' own process, may have: none of them is meant for a child.
SETTINGS = (
    "AFTERCARE_HOME", "DATABASE_URL", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "FIELD_KEYS", "FINGERPRINT_KEYS",
    "PUBLIC_URL", "SMS_CHANNEL", "EMAIL_URL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_FALLBACKS",
    "TWILIO_API_URL", "SANDBOX_URL", "SANDBOX_API_URL", "SANDBOX_SMTP_URL", "REDIS_URL", "CALENDAR_FILE",
    "HEARTBEAT_FILE", "AFTERCARE_WORKER_SESSION", "ALLOWED_HOSTS", "LEASE_SECONDS", "SEND_SLOTS", "MAIL_SLOTS",
    "TICK_MILLISECONDS", "RECONCILE_SECONDS", "REDACT_AT_PROVIDER_DAYS", "LOG_LEVEL", "LOG_FORMAT",
)  # fmt: skip


def settings(**wanted: str) -> dict[str, str]:
    """Exactly these settings: every other one is empty, which is as good as unset."""
    return {**dict.fromkeys(SETTINGS, ""), **wanted}


def run(*arguments: str | os.PathLike[str], env: dict[str, str], **more: Any) -> subprocess.CompletedProcess[str]:
    """One verb in a process of its own; a traceback is never an answer (P12)."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT, env={**os.environ, **env}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=300, **more,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done
