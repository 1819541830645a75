"""What the bench stands on: certificates, a stub provider, a private Redis and PostgreSQL, and their environment."""

from __future__ import annotations

import ipaddress
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from config.keys import fresh_key
from tests.bench.stub import Stub
from tests.postgres import PrivatePostgres
from worker.sandbox.redis_server import PrivateRedis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

ACCOUNT, TOKEN = "AC" + "0123456789abcdef" * 2, "bench-token"
PUBLIC_URL = "https://care.bench.example"
USED = {"min_wal_size": "1GB", "max_wal_size": "4GB"}  # as docker-compose.yml starts it
LOG_FILES = 24  # of 16 MB each: more than twenty seconds fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """All that runs beside the sender that is measured."""

    folder: Path
    stub: Stub
    postgres: PrivatePostgres
    redis: PrivateRedis
    authorities: Path

    def environment(self, database: str) -> dict[str, str]:
        """The environment of a sender on one database of this ground."""
        return {
            "DATABASE_URL": self.postgres.url(database),
            "REDIS_URL": self.redis.broker_url,
            "SMS_CHANNEL": "twilio",
            "TWILIO_API_URL": self.stub.url,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "PUBLIC_URL": PUBLIC_URL,
            "SSL_CERT_FILE": str(self.authorities),
            "REQUESTS_CA_BUNDLE": str(self.authorities),
            "LOG_FORMAT": "json",
            # A copy of the crowd beside the mark of another run looks like a restored database, and is held.
            "HEADS_FILE": str(self.folder / f"{database}.heads.jsonl"),
        }


def lay(stack: ExitStack, folder: Path) -> Ground:
    """Start everything in `folder`; the stack ends it. Raises CannotStart or CannotStartError with the mend."""
    authorities, certificate = _certificates(folder)
    return Ground(
        folder=folder,
        postgres=stack.enter_context(PrivatePostgres(settings=USED)),
        redis=stack.enter_context(PrivateRedis(folder / "redis")),
        stub=stack.enter_context(Stub(certificate)),
        authorities=authorities,
    )


def as_after_a_day(postgres: PrivatePostgres) -> None:
    """Give a server the log files that one in use has kept, to write over.

    A server that has just been made zeroes a new one every two seconds at full speed, and for a twentieth of a second
    no commit ends: that is its first minute, and no clinic's day.
    """
    with psycopg.connect(postgres.url(), autocommit=True) as line:
        for _ in range(LOG_FILES):
            line.execute("SELECT pg_logical_emit_message(true, 'bench', 'next file')")
            line.execute("SELECT pg_switch_wal()")
        line.execute("CHECKPOINT")


def keys() -> Iterator[tuple[str, str]]:
    """Fresh secrets of an installation, by their names in the environment."""
    for name in ("SECRET_KEY", "FIELD_KEYS", "FINGERPRINT_KEYS"):
        yield name, fresh_key()


def settle(environment: dict[str, str], folder: Path) -> None:
    """Make this process, and all it starts, see that environment and nothing of the caller's installation."""
    foreign = ("AFTERCARE_", "TWILIO_", "CELERY_", "SANDBOX_")
    for name in [name for name in os.environ if name.startswith(foreign) or name.endswith("_FILE")]:
        del os.environ[name]
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):  # else every worker would compile its libraries anew
        os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    os.environ.update({"AFTERCARE_HOME": str(folder), "DJANGO_SETTINGS_MODULE": "config.settings", **environment})


def _certificates(folder: Path) -> tuple[Path, Path]:
    """(what the senders trust, what the stub shows).

    The senders trust our authority beside all the public ones: reading those is what a fresh TLS context costs.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"bench {secrets.token_hex(4)}")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    authorities, certificate = folder / "authorities.pem", folder / "stub.pem"
    authorities.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + public)
    certificate.write_bytes(private + public)
    certificate.chmod(0o600)
    return authorities, certificate
