"""Each finding has a mend; what is safe is mended; what can't be looked up is said and is no fault (P12)."""

from __future__ import annotations

import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dns.message
import dns.rcode
import dns.resolver
import pytest
import redis as redis_library
from django.conf import settings
from django.db import connection

from config.keys import fresh_key
from tests.builders import NOW, OKAFOR
from tests.channels.certificates import certificates
from tests.processes.commands import COMMAND
from tests.processes.commands import settings as environment
from worker.actions.converse.on_call import agree
from worker.management.cli import main
from worker.reading import look_around, mail_names
from worker.reading.doctor import findings
from worker.reading.mail_names import NoResolverError, UnansweredError
from worker.sandbox.redis_server import PrivateRedis

GOOD = {
    "mail.lakeside.example": ["v=spf1 include:_spf.mail.example -all"],
    "_dmarc.lakeside.example": ["v=DMARC1; p=quarantine"],
    "s1._domainkey.mail.lakeside.example": ["v=DKIM1; k=rsa; p=MIIB"],
}


def by_name(found):
    """The findings by what they are about; of several, the worst."""
    return {each.what: each for each in sorted(found, key=lambda each: not each.ok)}


@pytest.fixture
def mailing(house, settings):
    """Lakeside mails for real, under one domain; Hillside not at all."""
    settings.EMAIL_URL, settings.DKIM_SELECTOR = "smtp://mail.example", "s1"
    type(house.lakeside).objects.filter(pk=house.lakeside.pk).update(mail_domain="mail.lakeside.example")
    type(house.hillside).objects.filter(pk=house.hillside.pk).update(mail_domain="")


def looked(records):
    """What the doctor says of these records."""
    return by_name(mail_names.mail_names(lambda name: records.get(name, [])))


def test_names_that_are_published_are_well(mailing):
    """Rule 126: SPF and DKIM at the domain, DMARC at the one above it."""
    found = looked(GOOD)
    assert len(found) == 3
    assert all(each.ok for each in found.values()), found
    assert found["DMARC of mail.lakeside.example"].says == "p=quarantine"


@pytest.mark.parametrize(
    ("name", "records", "what"),
    [
        ("mail.lakeside.example", [], "SPF"),
        ("mail.lakeside.example", ["v=spf1 -all", "v=spf1 ~all"], "SPF"),  # RFC 7208, 4.5: a permanent error
        ("mail.lakeside.example", ["v=spf1 +all"], "SPF"),
        ("mail.lakeside.example", ["v=spf10 -all"], "SPF"),
        ("_dmarc.lakeside.example", [], "DMARC"),
        ("_dmarc.lakeside.example", ["hello"], "DMARC"),
        ("s1._domainkey.mail.lakeside.example", [], "DKIM"),
    ],
)
def test_what_is_missing_has_its_mend(mailing, name, records, what):
    """P12: the one that is wrong, with the record to publish; the others stay well."""
    found = looked(GOOD | {name: records})
    wrong = [each for each in found.values() if not each.ok]
    assert [each.what for each in wrong] == [f"{what} of mail.lakeside.example"]
    assert wrong[0].mend


def test_without_a_resolver_nothing_is_claimed(mailing):
    """No resolver is no fault of the domain's: it says so, once."""

    def nobody(name):
        raise NoResolverError("NoNameservers")

    (found,) = mail_names.mail_names(nobody)
    assert found.ok
    assert "no resolver answers" in found.says


def broken(*names, why="SERVFAIL", records=GOOD):
    """A look at records where these names fail."""

    def look(name):
        if any(name.endswith(each) for each in names):
            raise UnansweredError(name, why)
        return records.get(name, [])

    return look


@pytest.fixture
def two_domains(house, mailing):
    """Hillside mails too, without any record; its domain comes after a broken one in the alphabet."""
    type(house.hillside).objects.filter(pk=house.hillside.pk).update(mail_domain="zhillside.example")


def test_a_domain_whose_servers_fail_hides_no_other(two_domains):
    """Rule 126, P12: each is named, with its own mend; before, the second domain without SPF was never said."""
    found = by_name(mail_names.mail_names(broken("mail.lakeside.example")))
    bad = found["DNS of mail.lakeside.example"]
    assert (bad.ok, "SERVFAIL" in bad.says, bool(bad.mend)) == (False, True, True)
    assert not found["SPF of zhillside.example"].ok


def test_what_was_found_before_a_failure_is_told(mailing):
    """One name of a domain fails: what its others say is not lost."""
    found = by_name(mail_names.mail_names(broken("_dmarc.mail.lakeside.example")))
    assert found["SPF of mail.lakeside.example"].ok
    assert "_dmarc.mail.lakeside.example" in found["DNS of mail.lakeside.example"].says


def test_a_resolver_that_fails_at_everything_is_no_domains_fault(two_domains):
    """Docker's own and systemd's answer SERVFAIL to every question while the network is away."""
    (found,) = mail_names.mail_names(broken(""))
    assert (found.ok, "no resolver answers" in found.says) == (True, True)


def test_a_silence_after_answers_is_that_domains_own(two_domains):
    """Its servers may be away for good; the resolver was just heard."""

    def look(name):
        if name.endswith("zhillside.example"):
            raise NoResolverError("LifetimeTimeout")
        return GOOD.get(name, [])

    found = by_name(mail_names.mail_names(look))
    assert not found["DNS of zhillside.example"].ok
    assert found["SPF of mail.lakeside.example"].ok


ANSWERS = {
    "servfail.example": dns.rcode.SERVFAIL,
    "none.example": dns.rcode.NXDOMAIN,
    "refused.example": dns.rcode.REFUSED,
}


@pytest.fixture
def resolver(monkeypatch):
    """A real resolver on loopback: what it says of the names in ANSWERS, and nothing of `silent.example`."""

    class Resolver(socketserver.BaseRequestHandler):
        def handle(self):
            asked = dns.message.from_wire(self.request[0])
            name = asked.question[0].name.to_text().strip(".")
            if name != "silent.example":
                answer = dns.message.make_response(asked)
                answer.set_rcode(ANSWERS.get(name, dns.rcode.NOERROR))
                self.request[1].sendto(answer.to_wire(), self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Resolver) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        ours = dns.resolver.Resolver(configure=False)
        ours.nameservers, ours.port = ["127.0.0.1"], server.server_address[1]
        monkeypatch.setattr(dns.resolver, "default_resolver", ours)
        monkeypatch.setattr(mail_names, "PATIENCE", 0.3)
        yield ours
        server.shutdown()


@pytest.mark.parametrize("name", ["servfail.example", "refused.example", "silent.example"])
def test_a_name_that_fails_is_told_from_no_resolver(resolver, name):
    """Over real packets: the resolver is there, so it is the domain's servers that fail."""
    assert mail_names.texts("none.example") == []
    assert mail_names.texts("empty.example") == []
    with pytest.raises(UnansweredError):
        mail_names.texts(name)


def test_nobody_at_the_resolvers_door_is_no_resolver(resolver):
    """Nothing listens there: no answer at all."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        resolver.port = free.getsockname()[1]
        with pytest.raises(NoResolverError):
            mail_names.texts("servfail.example")


def test_a_policy_that_evicts_is_found_and_mended(house, monkeypatch, tmp_path, capsys):
    """Rule of the queue: a real Redis that may forget; --fix tells it not to, and the gate opens."""
    with PrivateRedis(tmp_path / "redis") as server:
        monkeypatch.setattr(settings, "BROKER_URL", server.broker_url)
        with redis_library.Redis(unix_socket_path=str(server.socket_path)) as line:
            line.config_set("maxmemory-policy", "allkeys-lru")
            found = by_name(findings(network=False))
            assert (found["Redis policy"].ok, found["Redis policy"].says) == (False, "allkeys-lru")
            assert found["Redis clock"].ok
            code = main(["doctor", "--fix", "--no-network", "--json"])
            assert line.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    said = json.loads(capsys.readouterr().out)
    assert said["fixed"] == ["redis_policy"]
    shut = [each["what"] for each in said["findings"] if not each["ok"]]
    assert shut == ([] if connection.vendor == "sqlite" else ["PostgreSQL fsync"])  # the tests' own: fsync off
    assert code == bool(shut)


def test_a_redis_that_is_away_closes_the_gate(house, monkeypatch, tmp_path, capsys):
    """Exit 1, with the mend: a deploy stops here."""
    monkeypatch.setattr(settings, "BROKER_URL", f"unix://{tmp_path}/nobody.sock")
    assert main(["doctor", "--no-network"]) == 1
    said = capsys.readouterr().out
    assert "MEND  Redis: does not answer" in said
    assert "start Redis, or mend REDIS_URL" in said


def test_our_own_redis_that_nobody_started_is_no_fault(house):
    """A newcomer asks the doctor before the first `aftercare up`: nothing is wrong yet."""
    found = by_name(findings(network=False))
    assert found["Redis"].ok
    assert "`aftercare up` starts it" in found["Redis"].says


def test_weak_or_shared_secrets_are_named_and_never_shown(house, monkeypatch):
    """P9: which setting, never its value."""
    shared = fresh_key()
    monkeypatch.setattr(settings, "SECRET_KEY", "short")
    monkeypatch.setattr(settings, "FIELD_KEYS", [shared])
    monkeypatch.setattr(settings, "FINGERPRINT_KEYS", [shared])
    found = by_name(look_around.secrets())
    assert not found["SECRET_KEY"].ok
    assert not found["keys"].ok
    assert shared not in str(found)


def test_a_door_that_nobody_opens_is_found(db, monkeypatch):
    """PUBLIC_URL leads nowhere: said with the mend, within seconds; no https, nothing to knock at."""
    monkeypatch.setattr(settings, "PUBLIC_URL", "https://127.0.0.1:9")
    (found,) = look_around.way_in()
    assert not found.ok
    assert "Twilio must reach it" in found.mend
    monkeypatch.setattr(settings, "PUBLIC_URL", "http://127.0.0.1:9")
    assert list(look_around.way_in()) == []


class Door(BaseHTTPRequestHandler):
    """A web part that is ready, behind a proxy; `hooks` is what it answers at the webhook's address."""

    hooks = 405

    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else self.hooks)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


@pytest.fixture
def door(db, monkeypatch, tmp_path):
    """PUBLIC_URL leads to a Door over TLS, whose certificate this machine trusts."""
    made = certificates(tmp_path, "localhost", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.socket = made.server.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setattr(settings, "PUBLIC_URL", f"https://localhost:{server.server_port}")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "relay.pem"))
    yield Door
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("answer", "well"), [(405, True), (404, False), (200, False), (302, False)])
def test_the_webhooks_own_address_is_knocked_at(door, monkeypatch, answer, well):
    """Rule 91: a proxy that passes pages on and swallows webhooks loses STOPs, and looks well."""
    monkeypatch.setattr(door, "hooks", answer)
    found = by_name(look_around.way_in())
    assert found["PUBLIC_URL reached"].ok, found
    assert found["webhooks reached"].ok == well
    assert "/hooks/twilio/inbound" in found["webhooks reached"].mend
    assert not found["certificate"].ok, "the test's own ends tomorrow"


def test_a_setting_that_nobody_reads_is_found_by_its_likeness(db, monkeypatch):
    """P12: a slip of the pen leaves the default in force, in silence; names of others are left alone."""
    monkeypatch.setenv("SEND_SLOT", "4")
    monkeypatch.setenv("REDIS_URI", "redis://elsewhere")
    monkeypatch.delenv("SEND_SLOTS", raising=False)
    found = by_name(findings(network=False))
    assert (found["SEND_SLOT"].ok, found["SEND_SLOT"].mend) == (False, "did you mean SEND_SLOTS?")
    assert "REDIS_URI" not in found


@pytest.mark.processes
def test_missing_tables_are_made_on_request(tmp_path):
    """--fix on a new database: migrated, and the rest of the findings tell of the new tables."""
    told = subprocess.run(
        [*COMMAND, "doctor", "--fix", "--json", "--no-network"],
        env={**os.environ, **environment(AFTERCARE_HOME=str(tmp_path / "home"))},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = json.loads(told.stdout)
    assert said["fixed"] == ["migrate"], told.stderr
    assert {each["what"]: each["ok"] for each in said["findings"]}["migrations"]
    assert told.returncode == 0  # our own Redis does not run there, which is no fault
    assert sys.executable in COMMAND


def test_a_clinic_where_nobody_is_on_call_is_found_where_clients_are_real(house, settings):
    """Rule 41, issue 6 point 6: a warning sign that reaches nobody closes the gate; a rehearsal may do without."""
    assert by_name(findings(network=False))["lakeside on call"].ok
    settings.SMS_CHANNEL = "twilio"
    assert not by_name(findings(network=False))["lakeside on call"].ok
    agree(clinic=house.lakeside, by=OKAFOR, address="okafor@lakeside.example", affirmed=True, now=NOW)
    found = by_name(findings(network=False))
    assert (found["lakeside on call"].ok, found["hillside on call"].ok) == (True, False)
