"""What the process is told on its command line."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .shapes import ACCOUNT_SID


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where to listen, whom to believe and whom to call; a port of 0 picks a free one."""

    host: str
    port: int
    smtp_port: int
    api_port: int | None
    account_sid: str
    auth_token: str
    public_url: str
    state_dir: Path | None
    calendar_file: Path | None
    tls_cert: Path | None
    tls_key: Path | None
    optout: str


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line; an unusable value ends the process with status 2 and names the argument."""
    parser = _parser()
    read = parser.parse_args(arguments)
    if not ACCOUNT_SID.fullmatch(read.account_sid):
        parser.error("--account-sid: AC and 32 hexadecimal digits are needed")
    if urlsplit(read.public_url).scheme not in {"http", "https"}:
        parser.error("--public-url: must begin with http:// or https://")
    if (read.tls_cert is None) != (read.tls_key is None):
        parser.error("--tls-cert and --tls-key: give both, or neither")
    read.public_url = read.public_url.rstrip("/")
    return Options(**vars(read))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m worker.sandbox.provider", description=__doc__)
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    add("--port", type=int, default=8025, help="HTTP: the Twilio API, the phones, /sandbox (0: any free port)")
    add("--smtp-port", type=int, default=8026, help="SMTP (0: any free port)")
    add("--api-port", type=int, help="a second port with the Twilio API only: an outage closes it for real")
    add("--account-sid", required=True, help="AC and 32 hexadecimal digits")
    add("--auth-token", required=True, help="answers HTTP Basic with the account SID, and signs what we send")
    add("--public-url", required=True, help="where the web part listens, as clients see it")
    add("--state-dir", type=Path, help="keep the log (log.jsonl) and the raw mails here")
    add("--calendar-file", type=Path, help="a file holding the calendar's offset in seconds")
    add("--tls-cert", type=Path, help="serve HTTPS, and STARTTLS, with this certificate")
    add("--tls-key", type=Path, help="the certificate's key")
    add("--optout", choices=["off", "default", "advanced"], default="off", help="the provider's own STOP list")
    return parser
