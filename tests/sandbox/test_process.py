"""The process: its own, its ports, its certificate, and nothing of ours inside (design, `worker/sandbox`)."""

from __future__ import annotations

import ipaddress
import json
import smtplib
import socket
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from worker.sandbox.provider.client import Sandbox

from . import setting
from .setting import ALICE, CLINIC, ROOT

HOUSE = ["worker.models", "worker.rules", "worker.actions", "worker.channels", "worker.intake", "config"]


@pytest.fixture
def begin(tmp_path, _receiver):
    """Start a provider with more arguments; all are ended cleanly."""
    started = []

    def start(*extra):
        started.append(setting.start(tmp_path, _receiver, *extra))
        return started[-1]

    yield start
    for running in started:
        assert running.stop() == (0, "")


def test_the_witness_is_independent():
    """It loads neither Django nor our models, settings, rules nor twilio: it must be able to contradict them."""
    code = "import json, sys, worker.sandbox.provider.__main__; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True).stdout)
    assert "worker.sandbox.provider.api" in loaded
    foreign = [name for name in loaded if name.split(".")[0] in {"django", "celery", "redis", "twilio"}]
    ours = [name for name in loaded if any(name == part or name.startswith(part + ".") for part in HOUSE)]
    assert (foreign, ours) == ([], [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--account-sid", "AC1"], "--account-sid"),
        (["--public-url", "ftp://x"], "--public-url"),
        (["--tls-cert", "x.pem"], "--tls-cert"),
    ],
)
def test_an_unusable_argument_ends_with_2_and_is_named(arguments, said):
    """P12: usage errors are exit status 2."""
    good = ["--account-sid", setting.ACCOUNT, "--auth-token", "x", "--public-url", "http://127.0.0.1"]
    command = [sys.executable, "-m", "worker.sandbox.provider", *good, *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, said in ended.stderr) == (2, True)


def test_an_outage_really_closes_the_port_of_the_api(begin):
    """Rule 81: with a port of its own, an outage is ECONNREFUSED, "definitely not sent"; then it listens again."""
    running = begin("--api-port", "0")
    api = running.reach(running.api)
    assert api.messages.create(to=ALICE, from_=CLINIC, body="x").sid
    running.sandbox.faults(outage=True)
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            api.messages.create(to=ALICE, from_=CLINIC, body="x")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.api), timeout=5)
    running.sandbox.clear_faults()
    assert api.messages.create(to=ALICE, from_=CLINIC, body="x").sid
    assert len(running.log("create")) == 2


def test_the_apis_own_port_speaks_nothing_else(begin):
    """The phones and the faults are not where the API is."""
    running = begin("--api-port", "0")
    answer = requests.get(f"http://127.0.0.1:{running.api}/sandbox/faults", timeout=10)
    assert answer.status_code == 404


def test_https_with_a_given_certificate(begin, tmp_path):
    """With a certificate: HTTPS for the API and the client, STARTTLS for mail."""
    certificate, key = _certificate(tmp_path)
    running = begin("--tls-cert", str(certificate), "--tls-key", str(key))
    sandbox = Sandbox(f"https://127.0.0.1:{running.http}", trust=certificate)
    assert sandbox.quiet()["quiet"] is True
    with smtplib.SMTP("127.0.0.1", running.smtp, timeout=20) as line:
        line.starttls(context=ssl.create_default_context(cafile=certificate))
        assert line.ehlo()[0] == 250


def _certificate(folder):
    """A certificate for 127.0.0.1, good for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files
