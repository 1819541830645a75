"""One mail through a provider's API: one request, in time, and each answer sorted (P2, P4; rules 55, 81, 123)."""

from __future__ import annotations

import json
from dataclasses import replace
from email import message_from_string, policy
from typing import TYPE_CHECKING

import pytest

from config.environment import BadSetting
from tests.channels import providers
from tests.channels.certificates import certificates
from tests.channels.relays import ALICE
from worker import clock
from worker.channels.anymail_out import Session, provider
from worker.channels.base import Accepted, NotStarted, Outcome, Refused, TryLater, Unknown
from worker.channels.mail_bytes import page
from worker.channels.smtp import LATE, Unreachable

if TYPE_CHECKING:
    from pathlib import Path

LOGINS = {"postmark": "t0ken", "mailgun": "k3y@mail.clinic.example", "sparkpost": "k3y"}
IDS = {"postmark": "pm-1", "mailgun": "<mg-1@mail.clinic.example>", "sparkpost": "sp-1"}


def opened(server: providers.Provider, name: str = "postmark", *, scheme: str = "http", wait: float = 10.0) -> Session:
    url = f"anymail+{name}://{LOGINS[name]}?api_url={scheme}://127.0.0.1:{server.port}/"
    session = Session(provider(url), wait=wait)
    session.open()
    return session


def delivered(server: providers.Provider, name: str = "postmark", *, ago: float = 0.0, wait: float = 10.0) -> Outcome:
    session = opened(server, name, wait=wait)
    try:
        return session.deliver(ALICE, clock.running() - ago)
    finally:
        session.close()


def test_the_provider_learns_the_mail_and_an_opaque_id() -> None:
    """Postmark gets the same mail with our headers, the attempt's id alone, and no trackers (rules 109, 123, P9)."""
    with providers.provider() as server:
        assert delivered(server) == Accepted("pm-1")
    (post,) = server.posts
    assert post.headers["X-Postmark-Server-Token"] == "t0ken"
    told = json.loads(post.body)
    headers = {header["Name"]: header["Value"] for header in told.pop("Headers")}
    assert headers == {
        "Message-ID": ALICE.message_id,
        "List-Id": f"<{ALICE.list_id}>",
        "List-Unsubscribe": f"<{ALICE.unsubscribe_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
        "X-PM-KeepID": "true",
    }
    assert told == {
        "From": "Clinic <care@clinic.example>",
        "To": "alice@example.com",
        "ReplyTo": "desk@clinic.example",
        "Subject": ALICE.subject,
        "TextBody": ALICE.text,
        "HtmlBody": page(ALICE),
        "Metadata": {"attempt_id": ALICE.attempt_id},
        "TrackOpens": False,
        "TrackLinks": "None",
    }


@pytest.mark.parametrize("name", sorted(LOGINS))
def test_every_provider_takes_the_mail_without_trackers(name: str) -> None:
    """Each provider we name can carry our headers and id, and can be told to leave trackers out (P9)."""
    off = {
        "postmark": [b'"TrackOpens": false', b'"TrackLinks": "None"'],
        "mailgun": [b"o%3Atracking-opens=no", b"o%3Atracking-clicks=no"],
        "sparkpost": [b'"open_tracking": false', b'"click_tracking": false'],
    }
    with providers.provider(providers.ANSWERS[name]) as server:
        assert delivered(server, name) == Accepted(IDS[name])
    (post,) = server.posts
    assert b"One-Click" in post.body
    assert ALICE.attempt_id.encode() in post.body
    assert [mark for mark in off[name] if mark not in post.body] == []


def refusal(code: int, words: str) -> str:
    return json.dumps({"ErrorCode": code, "Message": words})


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (422, refusal(300, "Invalid 'To' address: 'alice@example.com'."), Refused("553 5.1.3")),
        (422, refusal(406, "Found inactive addresses: alice@example.com. Inactive recipients are"), Refused("550")),
        (422, refusal(300, "Invalid 'From' address: 'care@clinic.example'."), Refused("554 5.6.0")),
        (413, "", Refused("554 5.6.0")),
        (401, refusal(10, "Bad or missing API token"), Refused("535 5.7.8")),
        (403, "", Refused("535 5.7.8")),
        (429, "", TryLater("429", 7.0)),
        (500, "", Unknown("http 500")),
        (503, refusal(100, "Maintenance"), Unknown("http 503")),
        (307, "", Unknown("no answer from the provider")),
        (200, "<html>", Unknown("http 200")),
        (200, refusal(0, "OK"), Unknown("http 200")),
    ],
)
def test_an_answer_is_sorted_and_never_asked_twice(status: int, body: str, outcome: Outcome) -> None:
    """4xx was not processed, 5xx and riddles may have been; there is one request, whatever comes back (rule 81, P4)."""
    headers = {"Retry-After": "7", "Location": "/email"}
    with providers.provider(body, status=status, headers=headers) as server:
        assert delivered(server) == outcome
        assert len(server.posts) == 1


@pytest.mark.parametrize("status", [providers.HANGS_UP, providers.HANGS])
def test_a_lost_answer_is_unknown(status: int) -> None:
    """The provider has the request and hangs up, or never answers: it may have gone out (rule 81, P4)."""
    with providers.provider(status=status) as server:
        assert delivered(server, wait=0.3) == Unknown("no answer from the provider")
        assert len(server.posts) == 1


def test_a_connection_that_breaks_while_it_is_written_is_unknown() -> None:
    """Once a byte was written nobody can say how much of the request arrived (rule 81, P4)."""
    with providers.provider(status=providers.BREAKS) as server:
        session = opened(server)
        outcome = session.deliver(replace(ALICE, text="Keep the area clean.\n" * 300_000), clock.running())
        assert outcome == Unknown("no answer from the provider")
        session.close()


def test_a_provider_that_went_away_is_not_started() -> None:
    """No connection, so not a byte left (rule 81)."""
    with providers.provider() as server:
        session = opened(server)
        server.headers["Connection"] = "close"
        assert session.deliver(ALICE, clock.running()) == Accepted("pm-1")
    assert session.deliver(ALICE, clock.running()) == NotStarted("the provider was out of reach")
    session.close()


def test_too_late_writes_nothing() -> None:
    """More than 1 s after the decision the request stays here (P2)."""
    with providers.provider() as server:
        assert delivered(server, ago=1.01) == NotStarted(LATE)
        assert server.posts == []


def test_the_connection_stands_before_the_decision() -> None:
    """A session is connected when it is opened and after it idled, and yields no slot when nobody listens (P2)."""
    with providers.provider() as server:
        session = opened(server)
        assert (server.heads, session.is_fresh(), server.heads) == (1, True, 2)
        session.close()
        assert not session.is_open()
    assert not session.is_fresh()
    with pytest.raises(Unreachable, match=r"^provider: ConnectionError$"):
        opened(server)


def test_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same holds over TLS: the certificate is checked, the clock is read, the mail goes once (P2)."""
    papers = certificates(tmp_path, "localhost", "127.0.0.1")
    with providers.provider(tls=papers.server) as server:
        with pytest.raises(Unreachable, match=r"^provider: SSLError$"):
            opened(server, scheme="https")
        monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(tmp_path / "relay.pem"))
        session = opened(server, scheme="https")
        assert session.deliver(ALICE, clock.running() - 1.01) == NotStarted(LATE)
        assert session.deliver(ALICE, clock.running()) == Accepted("pm-1")
        session.close()
        assert len(server.posts) == 1


def test_proxies_of_the_host_are_left_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a proxy nobody could say whether a byte had left (rule 81)."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with providers.provider() as server:
        assert delivered(server) == Accepted("pm-1")


def test_a_mail_the_library_will_not_write_is_our_fault() -> None:
    """A mail that anymail can't put to the provider goes to an operator, not to an endless retry (rule 125)."""
    with providers.provider(providers.ANSWERS["mailgun"]) as server:
        url = f"anymail+mailgun://k3y@a%2Fb?api_url=http://127.0.0.1:{server.port}/"
        session = Session(provider(url), wait=10.0)
        session.open()
        assert session.deliver(ALICE, clock.running()) == Refused("554 5.6.0")
        session.close()
        assert server.posts == []


def test_a_name_in_any_script_reaches_the_provider() -> None:
    """A clinic's name keeps its letters, and a comma in it adds no reader (rule 121)."""
    with providers.provider() as server:
        session = opened(server)
        session.deliver(replace(ALICE, from_name='Ñandú, "Bob" <bob@example.com>'), clock.running())
        session.close()
    told = json.loads(server.posts[0].body)
    assert told["To"] == "alice@example.com"
    (sender,) = message_from_string(f"From: {told['From']}", policy=policy.default)["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ('Ñandú, "Bob" <bob@example.com>', "care@clinic.example")


@pytest.mark.parametrize(
    "url",
    [
        "anymail+sendgrid://s3cret",
        "anymail+ses://s3cret",
        "anymail+ses",
        "anymail+pigeon://s3cret",
        "anymail+postmark",
        "anymail+postmark://",
        "anymail+postmark://s3cr%0Aet",
        "anymail+mailgun://s3cret",
        "anymail+mailgun://@clinic.example",
        "anymail+postmark://s3cret?api_url=http://pm.example/",
        "anymail+postmark://s3cret?api_url=ftp://127.0.0.1/",
        "anymail+postmark://s3cret?region=eu",
        "anymail+postmark://s3cret?api_url=",
    ],
)
def test_refuses_a_provider_it_cannot_use(url: str) -> None:
    """SendGrid and whatever else can't be used is refused with the mend, never with the key (rule 55, P9)."""
    with pytest.raises(BadSetting, match="EMAIL_URL: ") as refused:
        provider(url)
    assert "s3c" not in str(refused.value)


def test_a_provider_never_shows_its_key() -> None:
    """What a log or traceback shows of a provider is its name (P9)."""
    read = provider("anymail+mailgun://k3y%40x@mail.clinic.example?api_url=https://api.eu.mailgun.net/v3")
    assert "k3y" not in repr(read)
    assert read.options == {
        "api_key": "k3y@x",
        "sender_domain": "mail.clinic.example",
        "api_url": "https://api.eu.mailgun.net/v3",
    }
