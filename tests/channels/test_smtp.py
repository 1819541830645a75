"""One mail over one SMTP connection: what each answer, and the lack of one, proves (P2, P4; rules 119, 125)."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from config.environment import BadSetting
from tests.channels import relays
from tests.channels.certificates import Certificates, certificates
from tests.channels.relays import ALICE, HANG_UP, SILENCE
from worker import clock
from worker.channels.base import Accepted, NotStarted, Outcome, Refused, TryLater, Unknown
from worker.channels.mail_bytes import raw
from worker.channels.smtp import LATE, Connection, Relay, Unreachable, relay

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

SENT = Accepted("9b1f0c@mail.clinic.example")
ELSEWHERE = "127.1"  # this machine as well, but not by a name that is trusted to be


def there(port: int, *, host: str = "127.0.0.1", secure: bool = False, user: str = "", password: str = "") -> Relay:
    return Relay(host=host, port=port, secure=secure, user=user, password=password)


def dialled(port: int, *, wait: float = 10.0, last_wait: float = 10.0) -> Connection:
    connection = Connection(there(port), wait=wait, last_wait=last_wait)
    connection.open()
    return connection


def delivered(server: relays.Relay, *, ago: float = 0.0) -> tuple[Outcome, bool]:
    """Hand Alice's mail to `server`, as if decided `ago` seconds before; the outcome, and whether it is still open."""
    connection = dialled(server.port, wait=0.5, last_wait=0.5)
    try:
        return connection.deliver(ALICE, clock.running() - ago), connection.is_open()
    finally:
        connection.close()


def test_hands_over_the_very_bytes_to_one_reader() -> None:
    """MAIL FROM is the attempt's bounce address, there is one RCPT, and lone dots survive (rules 121, 128)."""
    with relays.relay() as server:
        outcome, still_open = delivered(server)
        assert (outcome, still_open) == (SENT, True)
    said = [line.lower() for line in server.heard[1:]]
    assert said == [f"mail from:<{ALICE.envelope_sender}>", "rcpt to:<alice@example.com>", "data"]
    (kept,) = server.mails
    assert _undated(kept) == _undated(raw(ALICE))
    assert b"\r\n.5 l of water a day.\r\n..\r\n" in kept


def _undated(wire: bytes) -> list[bytes]:
    return [line for line in wire.split(b"\r\n") if not line.startswith(b"Date: ")]


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "end"])
@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("451 4.3.0 alice@example.com is busy", TryLater("451 4.3.0")),
        ("450 wait", TryLater("450")),
        ("550 5.1.1 <alice@example.com> unknown", Refused("550 5.1.1")),
        ("552-5.2.2 full\r\n552 5.2.2 alice@example.com", Refused("552 5.2.2")),
        ("554 no", Refused("554")),
    ],
)
def test_a_refusal_is_known_by_its_code_alone(stage: str, reply: str, outcome: Outcome) -> None:
    """4xx is for later and 5xx for good at every stage; only digits are kept (rule 125, P9)."""
    with relays.relay(**{stage: reply}) as server:
        assert delivered(server) == (outcome, True)
        assert server.verbs()[-1] == "RSET"
        assert len(server.mails) == (1 if stage == "end" else 0)


def test_the_next_mail_goes_over_the_same_connection_after_a_refusal() -> None:
    """A refused address costs its own mail only: RSET, and the next one is taken (rule 125)."""
    replies = iter(["550 5.1.1 unknown", "250 fine"])
    with relays.relay(rcpt=lambda: next(replies)) as server:
        connection = dialled(server.port)
        assert connection.deliver(ALICE, clock.running()) == Refused("550 5.1.1")
        assert connection.deliver(ALICE, clock.running()) == SENT
        connection.close()
        assert server.sessions == 1


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "end"])
def test_421_ends_the_connection(stage: str) -> None:
    """421 says that the relay is closing: nothing more is said to it (RFC 5321 3.8)."""
    with relays.relay(**{stage: "421 4.3.2 closing"}) as server:
        assert delivered(server) == (TryLater("421 4.3.2"), False)
        assert "RSET" not in server.verbs()


@pytest.mark.parametrize("how", [HANG_UP, SILENCE, "what?"])
@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_lost_before_the_first_byte_is_not_started(stage: str, how: str) -> None:
    """Before a byte of the mail was written nothing can have left: decide again (rules 81, 119)."""
    with relays.relay(**{stage: how}) as server:
        outcome, still_open = delivered(server)
        assert isinstance(outcome, NotStarted)
        assert not still_open
        assert server.mails == []


@pytest.mark.parametrize("how", [HANG_UP, SILENCE, "what?"])
def test_lost_after_the_mail_is_unknown(how: str) -> None:
    """The mail is with the relay and its answer is lost: never "not sent", never sent again blindly (rule 119, P4)."""
    with relays.relay(end=how) as server:
        outcome, still_open = delivered(server)
        assert isinstance(outcome, Unknown)
        assert not still_open
        assert len(server.mails) == 1


def test_lost_while_the_mail_is_written_is_unknown() -> None:
    """A relay that dies in the midst of DATA may still have got it all, as far as we can tell (rule 119)."""
    with relays.relay(content=HANG_UP) as server:
        outcome, still_open = delivered(server)
        assert isinstance(outcome, Unknown)
        assert not still_open


def test_too_late_writes_nothing_and_keeps_the_connection() -> None:
    """More than 1 s after the decision the mail stays here, and the connection is of use to the next one (P2)."""
    with relays.relay() as server:
        assert delivered(server, ago=1.01) == (NotStarted(LATE), True)
        assert server.verbs() == ["EHLO", "MAIL", "RCPT", "RSET"]


def test_too_late_while_the_relay_made_up_its_mind_writes_nothing() -> None:
    """A relay that answers DATA more than 1 s after the decision gets no mail (P2)."""
    started = clock.running()

    def slowly() -> str:
        while clock.running() - started <= 1.0:
            time.sleep(0.05)
        return "354 go on"

    with relays.relay(data=slowly) as server:
        connection = dialled(server.port)
        assert connection.deliver(ALICE, started) == NotStarted(LATE)
        connection.close()
        assert server.mails == []


def test_an_idle_connection_is_asked_before_it_is_trusted() -> None:
    """NOOP tells a live relay from one that went away in the meantime."""
    replies = iter(["250 fine", HANG_UP])
    with relays.relay(noop=lambda: next(replies)) as server:
        connection = dialled(server.port)
        assert connection.is_fresh()
        assert not connection.is_fresh()
        assert not connection.is_open()


def test_a_relay_that_hung_up_is_noticed_before_the_decision() -> None:
    """A connection that the relay closed is no slot: is_open sees it without a word on the wire (P2)."""
    with relays.relay(end="250 2.0.0 kept" + HANG_UP) as server:
        connection = dialled(server.port)
        assert connection.is_open()
        assert connection.deliver(ALICE, clock.running()) == SENT
        for _ in range(500):
            if not connection.is_open():
                break
            time.sleep(0.01)
        assert not connection.is_open()
        connection.close()


@pytest.mark.parametrize("answers", [{"greeting": "554 go away"}, {"greeting": HANG_UP}, {"ehlo": "502 what"}])
def test_no_connection_without_a_welcome(answers: dict[str, str]) -> None:
    """A relay that does not welcome us yields no slot, so nothing is claimed for it."""
    with relays.relay(**answers) as server, pytest.raises(Unreachable, match=r"connect: (the relay|SMTPServer)"):
        dialled(server.port)


def test_nobody_listening_is_unreachable() -> None:
    """A refused connection says so in words without an address (P9)."""
    with relays.relay() as server:
        pass
    with pytest.raises(Unreachable, match=r"^connect: ConnectionRefusedError$"):
        dialled(server.port)


class Kept:
    """aiosmtpd's handler: keeps what came, and whether it came over TLS."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bool]] = []

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, session.ssl is not None))
        return "250 2.0.0 kept"


@pytest.fixture(scope="module")
def papers(tmp_path_factory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("papers"), ELSEWHERE, "127.0.0.1")


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Kept, int]]]:
    running: list[Controller] = []

    def start(**options: object) -> tuple[Kept, int]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        kept = Kept()
        running.append(Controller(kept, hostname="127.0.0.1", port=port, **options))
        running[-1].start()
        return kept, port

    yield start
    for controller in running:
        controller.stop()


def alices_clinic(server, session, envelope, mechanism, data) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"clinic", b"s3cret:@")
    return AuthResult(success=right, handled=False)


def over_tls(where: Relay, tls: ssl.SSLContext | None) -> Outcome:
    connection = Connection(where, wait=5.0, last_wait=5.0, tls=tls)
    connection.open()
    try:
        assert connection.is_open()
        return connection.deliver(ALICE, clock.running())
    finally:
        connection.close()


def test_starttls_and_login(serve, papers: Certificates) -> None:
    """STARTTLS comes before the password, and both before the mail (rule 122)."""
    kept, port = serve(
        tls_context=papers.server, require_starttls=True, authenticator=alices_clinic, auth_required=True
    )
    where = relay(f"smtp://clinic:s3cret%3A%40@{ELSEWHERE}:{port}")
    assert over_tls(where, papers.client) == SENT
    assert kept.mails == [(ALICE.envelope_sender, ["alice@example.com"], True)]


def test_tls_from_the_first_byte(serve, papers: Certificates) -> None:
    """smtps:// greets inside TLS (RFC 8314)."""
    kept, port = serve(ssl_context=papers.server)
    assert over_tls(relay(f"smtps://127.0.0.1:{port}"), papers.client) == SENT
    assert len(kept.mails) == 1


def test_starttls_is_used_without_a_password_too(serve, papers: Certificates) -> None:
    """Where a relay offers STARTTLS the advice in a mail never travels in the clear (rule 122)."""
    kept, port = serve(tls_context=papers.server)
    assert over_tls(there(port, host=ELSEWHERE), papers.client) == SENT
    assert kept.mails[0][2]


def test_a_false_certificate_gets_nothing(serve, papers: Certificates) -> None:
    """A relay that can't prove its name gets neither password nor mail, by STARTTLS or smtps (rule 122)."""
    kept, port = serve(tls_context=papers.server)
    with pytest.raises(Unreachable, match=r"^starttls: SSLCertVerificationError$"):
        over_tls(there(port, host=ELSEWHERE), None)
    _, port = serve(ssl_context=papers.server)
    with pytest.raises(Unreachable, match=r"^connect: SSLCertVerificationError$"):
        over_tls(there(port, secure=True), None)
    assert kept.mails == []


def test_no_password_in_the_clear_but_to_this_machine() -> None:
    """Without STARTTLS a password is sent to loopback only: anyone on the wire would read it (rule 122)."""
    with relays.relay(ehlo="250-relay.example\r\n250 AUTH PLAIN", auth="235 2.7.0 welcome") as server:
        with pytest.raises(Unreachable, match="smtps://"):
            over_tls(there(server.port, host=ELSEWHERE, user="clinic", password="s3cret"), None)
        assert server.verbs() == ["EHLO"]
        assert over_tls(there(server.port, user="clinic", password="s3cret"), None) == SENT
        assert "AUTH" in server.verbs()


def test_a_wrong_password_yields_no_slot(serve, papers: Certificates) -> None:
    """A refused login is told with its code and without the password, and nothing is claimed (P9)."""
    _, port = serve(tls_context=papers.server, authenticator=alices_clinic)
    with pytest.raises(Unreachable, match=r"^login: the relay answered 535$"):
        over_tls(there(port, host=ELSEWHERE, user="clinic", password="wrong"), papers.client)


def test_reads_a_relay() -> None:
    """EMAIL_URL is read with the ports people expect."""
    plain = there(25, host="mail.clinic.example")
    assert relay("smtp://mail.clinic.example") == plain
    assert relay("smtp://me:p%40ss@mail.clinic.example") == replace(plain, port=587, user="me", password="p@ss")
    assert relay("smtps://me%40a.example:x@mail.clinic.example/") == replace(
        plain, port=465, secure=True, user="me@a.example", password="x"
    )
    assert relay("smtp://[::1]:2525") == there(2525, host="::1")


def test_a_relay_never_shows_its_password() -> None:
    """What a log or traceback shows of a relay is host and port (P9)."""
    assert repr(relay("smtp://me:s3cret@mail.clinic.example")) == "Relay(mail.clinic.example:587)"


@pytest.mark.parametrize(
    "url",
    [
        "smtp://",
        "smtp:///",
        "mail.clinic.example",
        "http://mail.clinic.example",
        "smtp://mail.clinic.example:port",
        "smtp://me:s3cret@/",
        "smtp://me:s3/cret@mail.clinic.example",
        "smtp://s3cret@mail.clinic.example",
        "smtp://me:s3cret%0d%0a@mail.clinic.example",
        "smtp://me:s3cr%C3%A9t@mail.clinic.example",
        "smtp://me:s3cret@mail.clinic.example?tls=no",
    ],
)
def test_refuses_a_relay_it_cannot_read(url: str) -> None:
    """A bad EMAIL_URL names the setting and the mend, and never repeats the secret in it (P9)."""
    with pytest.raises(BadSetting, match="EMAIL_URL: ") as refused:
        relay(url)
    assert "s3c" not in str(refused.value)


def test_which_relay_is_this_machine() -> None:
    """Only loopback by its own names is trusted without TLS."""
    assert [replace(there(25), host=host).here for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost")] == [True] * 4
    assert [replace(there(25), host=host).here for host in (ELSEWHERE, "10.0.0.1", "localhost.example")] == [False] * 3
