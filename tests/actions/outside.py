"""The real sandbox provider in a process of its own, for actions that ask it something."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from worker.sandbox.provider.client import Sandbox

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outside:
    """A running provider that knows the installation's own account; its webhooks lead nowhere."""

    process: subprocess.Popen[str]
    url: str
    sandbox: Sandbox

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.communicate(timeout=10)


def opened(folder: Path) -> Outside:
    """Start one whose calendar is read from `folder`/calendar."""
    command = [
        sys.executable, "-m", "worker.sandbox.provider", "--port", "0", "--smtp-port", "0",
        "--account-sid", settings.TWILIO_ACCOUNT_SID, "--auth-token", settings.TWILIO_AUTH_TOKEN,
        "--public-url", "http://127.0.0.1:9", "--calendar-file", str(folder / "calendar"),
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ready = process.stdout.readline()
    if not ready.startswith("ready "):
        process.kill()
        raise AssertionError(process.communicate()[1])
    port = dict(part.split("=") for part in ready.split()[1:])["http"]
    url = f"http://127.0.0.1:{port}"
    return Outside(process, url, Sandbox(url))
