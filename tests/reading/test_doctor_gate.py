"""`doctor` as the gate of a deploy: each fault once, with its own mend, and JSON whatever happens (P12)."""

from __future__ import annotations

import json
import os
import signal
import socket

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from django.conf import settings

from config.keys import fresh_key
from tests.channels import relays
from tests.channels.certificates import certificates
from tests.processes.commands import run
from tests.processes.commands import settings as environment
from worker.management.cli import main
from worker.reading import doctor_broker, look_around
from worker.reading.doctor import findings
from worker.sandbox.redis_server import PrivateRedis

KEYS = {name: fresh_key() for name in ("SECRET_KEY", "FIELD_KEYS", "FINGERPRINT_KEYS")}
ELSEWHERE = "127.1"  # this machine as well, but not by a name that is trusted to be


def told(*arguments, **environ):
    """What `doctor --json` prints, by what it is about, and its exit status; there is nothing but JSON."""
    done = run("doctor", "--json", *arguments, env=environment(**environ))
    return json.loads(done.stdout)["findings"], done.returncode


def worst(found):
    """The findings by what they are about; of several, the worst."""
    return {each.what: each for each in sorted(found, key=lambda each: not each.ok)}


@pytest.mark.processes
def test_a_database_that_is_away_is_one_finding(tmp_path):
    """(a) Said once, with the mend that helps; what needs the database was not looked at, and claims nothing."""
    away = "postgres://nobody:secret@127.0.0.1:9/aftercare"
    found, code = told("--no-network", AFTERCARE_HOME=str(tmp_path), DATABASE_URL=away, **KEYS)
    (said,) = [each for each in found if each["what"] == "database"]
    assert code == 1
    assert not said["ok"]
    assert "mend DATABASE_URL" in said["mend"]
    assert "migrate" not in json.dumps(found)
    assert "secret" not in json.dumps(found)
    skipped = {each["what"] for each in found if not each["looked"]}
    assert {"FINGERPRINT_KEYS", "clinics", "on call"} <= skipped
    assert all(not each["ok"] and each["says"].startswith("not looked at") for each in found if not each["looked"])
    assert "SECRET_KEY" in {each["what"] for each in found if each["looked"]}, "what needs no database was looked at"


def test_a_database_that_ends_on_the_way_is_not_told_seven_times(house, monkeypatch):
    """(a) A check that meets no tables, or no database any more, was not looked at."""
    from django.db import OperationalError

    from worker.reading import doctor

    def gone():
        raise OperationalError
        yield

    one = "FINGERPRINT_KEYS"
    shaken = tuple(each._replace(look=gone) if each.what == one else each for each in doctor.CHECKS)
    monkeypatch.setattr(doctor, "CHECKS", shaken)
    found = [each for each in findings(network=False) if not each.ok and "PostgreSQL" not in each.what]
    (each,) = found
    assert (each.what, each.looked) == ("FINGERPRINT_KEYS", False)


BAD = {
    "SEND_SLOTS": "many", "LEASE_SECONDS": "3", "SMS_CHANNEL": "pigeon", "PUBLIC_URL": "notaurl",
    "WORKER_METRICS": "bad", "DATABASE_URL": "nonsense",
}  # fmt: skip


@pytest.mark.processes
def test_all_bad_settings_are_told_at_once_and_json_stays_json(tmp_path):
    """(b, c) Six slips are six findings; a person who reads gets the same lines."""
    found, code = told("--no-network", AFTERCARE_HOME=str(tmp_path / "home"), **KEYS, **BAD)
    assert code == 1
    assert {each["what"] for each in found} == BAD.keys()
    assert all(each["mend"] and not each["ok"] for each in found)
    assert not (tmp_path / "home").exists(), "looking makes nothing"
    status = run("status", env=environment(AFTERCARE_HOME=str(tmp_path / "home"), **KEYS, **BAD))
    assert status.returncode == 1
    assert [line.split(":")[0] for line in status.stderr.splitlines()] != []
    assert {line.split(":")[0] for line in status.stderr.splitlines()} == BAD.keys()


@pytest.mark.processes
def test_a_secret_that_cannot_be_read_begins_no_new_database(tmp_path):
    """(b) DATABASE_URL_FILE that is not mounted: refused, and no SQLite is made in its place."""
    home = tmp_path / "home"
    found, code = told(AFTERCARE_HOME=str(home), DATABASE_URL_FILE=str(tmp_path / "nowhere"), **KEYS)
    assert ([each["what"] for each in found], code) == (["DATABASE_URL_FILE"], 1)
    assert not home.exists()


@pytest.mark.parametrize(("token", "well"), [("a", False), ("", True), ("x" * 16, True)])
def test_a_metrics_token_that_can_be_guessed_is_found(monkeypatch, token, well):
    """(d) Shorter than 16 characters; never shown (P9)."""
    monkeypatch.setattr(settings, "METRICS_TOKEN", token)
    found = worst(look_around.secrets())["METRICS_TOKEN"]
    assert found.ok == well
    assert well or "16 characters" in found.says


@pytest.fixture
def relayed(monkeypatch, tmp_path):
    """EMAIL_URL leads to a real SMTP server, with the usual login; its certificate is trusted when asked so."""
    made = certificates(tmp_path, ELSEWHERE, "127.0.0.1")
    started = []

    def open_relay(*, tls, login="alice:right", trusted=True, host=ELSEWHERE, scheme="smtp"):
        def check(server, session, envelope, mechanism, auth_data):
            return AuthResult(success=auth_data.password == b"right", handled=False)

        options = {"authenticator": check, "auth_require_tls": tls}
        if tls:
            options["tls_context"] = made.server
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = Controller(object(), hostname="127.0.0.1", port=port, **options)
        server.start()
        started.append(server)
        if trusted:
            monkeypatch.setattr("worker.channels.smtp.tls_context", lambda: made.client)
        monkeypatch.setattr(settings, "EMAIL_URL", f"{scheme}://{login}@{host}:{port}")
        return server

    yield open_relay
    for each in started:
        each.stop()


def test_a_relay_that_takes_the_login_is_well(relayed):
    """(e) Connected, encrypted, greeted and logged in; no mail was sent."""
    relayed(tls=True)
    (found,) = look_around.relay()
    assert (found.what, found.ok) == ("EMAIL_URL reached", True), found
    assert "logged in" in found.says


@pytest.mark.parametrize(
    ("how", "mend"),
    [
        ({"tls": True, "login": "alice:wrong"}, "user and password"),
        ({"tls": True, "trusted": False}, "certificate"),
        ({"tls": False}, "smtps://"),
    ],
    ids=["wrong password", "unknown certificate", "no TLS"],
)
def test_a_relay_that_refuses_has_the_mend_of_that_step(relayed, how, mend):
    """(e) Each step's own mend; neither password nor user is shown (P9)."""
    relayed(**how)
    (found,) = look_around.relay()
    assert not found.ok
    assert mend in found.mend
    assert "alice" not in str(found)


@pytest.mark.parametrize(
    ("answers", "mend"),
    [({"greeting": relays.SILENCE}, "host and port"), ({"ehlo": "550 no"}, "EHLO"), ({"greeting": "554 no"}, "EHLO")],
)
def test_a_relay_that_is_silent_or_rude_is_found_in_seconds(monkeypatch, answers, mend):
    """(e) A short time limit: a deploy does not wait for a black hole."""
    monkeypatch.setattr("worker.channels.smtp.CONNECT_SECONDS", 0.3)
    with relays.relay(**answers) as server:
        monkeypatch.setattr(settings, "EMAIL_URL", f"smtp://127.0.0.1:{server.port}")
        (found,) = look_around.relay()
    assert not found.ok
    assert mend in found.mend


def test_nobody_at_the_relays_door_is_found(monkeypatch):
    """(e) A host or port that nobody listens at; and a sandbox has no relay to ask."""
    monkeypatch.setattr(settings, "EMAIL_URL", "smtp://127.0.0.1:9")
    (found,) = look_around.relay()
    assert not found.ok
    assert "host and port" in found.mend
    monkeypatch.setattr(settings, "EMAIL_URL", "sandbox")
    assert list(look_around.relay()) == []


def test_our_own_redis_that_is_frozen_is_found(db, monkeypatch, tmp_path):
    """(f) It runs and answers nobody: not the same as one that was never started."""
    with PrivateRedis(tmp_path / "redis") as server:
        for name in ("BROKER_URL", "OWN_REDIS"):
            monkeypatch.setattr(settings, name, server.broker_url)
        pid = server.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            (frozen,) = doctor_broker.hints()
        finally:
            os.kill(pid, signal.SIGCONT)
    (never,) = doctor_broker.hints()
    assert not frozen.ok
    assert "runs and does not answer" in frozen.says
    assert never.ok


def test_a_heads_file_where_nothing_can_be_written_is_named_so(house, monkeypatch):
    """(g) Not "0 MB free", and once: what is wrong is the place."""
    monkeypatch.setattr(settings, "HEADS_FILE", "/proc/aftercare/heads.jsonl")
    said = [each for each in findings(network=False) if "HEADS_FILE" in each.what]
    assert [(each.ok, each.says) for each in said] == [(False, "can't be written")]


@pytest.mark.parametrize("name", ["TWILIO_AUTH_TOKN", "TWILIO_SID", "AFTERCARE_HOMES"])
def test_an_unknown_name_that_begins_like_ours_is_found(house, monkeypatch, name):
    """(h) Whatever the channels are; and ours themselves are no slips."""
    monkeypatch.setenv(name, "x")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC1")
    found = worst(findings(network=False))
    assert not found[name].ok
    assert found[name].mend
    assert "TWILIO_ACCOUNT_SID" not in found


def test_a_finding_that_was_not_looked_at_is_no_ok(house, monkeypatch, capsys):
    """A reader sees three kinds: well, to mend, and not looked at."""
    from worker.reading import doctor
    from worker.reading.finding import Finding

    unseen = Finding("x", ok=False, says="not looked at", looked=False)
    monkeypatch.setattr(doctor, "findings", lambda network: [unseen])
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.startswith("  -   x: not looked at")
