"""The email channel: sessions held before the decision, an outcome for everything (P2, P4; rules 119, 125)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from config.environment import BadSetting
from tests.channels import providers, relays
from tests.channels.relays import ALICE, HANG_UP, SILENCE
from worker import clock
from worker.channels import email
from worker.channels.base import Accepted, NotStarted, Outcome, Refused, TryLater, Unknown
from worker.channels.smtp import LATE, Connection, Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from worker.channels.base import Mail

SENT = Accepted("9b1f0c@mail.clinic.example")


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def channel_to() -> Iterator[Callable[..., email.EmailChannel]]:
    """A channel to a relay's port; it is closed before the relay is."""
    made: list[email.EmailChannel] = []

    def to(port: int, *, slots: int = 4, patience: float = 10.0) -> email.EmailChannel:
        there = Relay(host="127.0.0.1", port=port, secure=False, user="", password="")
        line = lambda: Connection(there, wait=10.0, last_wait=10.0)  # noqa: E731 - a maker of lines, used once
        made.append(email.EmailChannel(line, slots=slots, patience=patience))
        return made[-1]

    yield to
    for channel in made:
        channel.close()


async def sent(channel: email.EmailChannel, *mails: Mail, ago: float = 0.0) -> list[Outcome]:
    """What the shift does: reserve, decide, send all at once, release."""
    held = await channel.reserve(len(mails))
    started = clock.running() - ago
    try:
        return await asyncio.gather(
            *(channel.send(slot, mail, started) for slot, mail in zip(held, mails, strict=False))
        )
    finally:
        channel.release(held)


def test_mails_go_side_by_side_over_sessions_that_are_kept(loop: asyncio.Runner, channel_to) -> None:
    """Each mail has a session of its own, and the next round uses the same ones."""
    mails = [replace(ALICE, message_id=f"<{number}@mail.clinic.example>") for number in range(4)]
    with relays.relay() as server:
        channel = channel_to(server.port)
        wanted = [Accepted(f"{number}@mail.clinic.example") for number in range(4)]
        assert loop.run(sent(channel, *mails)) == wanted
        assert loop.run(sent(channel, *mails)) == wanted
        assert server.sessions == 4
        assert len(server.mails) == 8
        channel.close()


def test_never_more_sessions_than_slots(loop: asyncio.Runner, channel_to) -> None:
    """A mail without a thread would wait past its 1 s: no more slots are given than there are threads (P2)."""
    with relays.relay() as server:
        channel = channel_to(server.port, slots=2)
        held = loop.run(channel.reserve(5))
        assert len(held) == 2
        assert loop.run(channel.reserve(1)) == []
        channel.release(held[:1])
        again = loop.run(channel.reserve(5))
        assert again == held[:1]
        channel.release(held)
        channel.close()
        assert server.sessions == 2


def test_an_unreachable_relay_yields_nothing_and_is_left_in_peace(loop: asyncio.Runner, channel_to) -> None:
    """No slot, so nothing is claimed; the reason is told without an address, and dials get rarer (P9)."""
    with relays.relay(greeting="554 go away") as server:
        channel = channel_to(server.port)
        assert [loop.run(channel.reserve(1)) for _ in range(8)] == [[]] * 8
        assert channel.trouble == "connect: the relay answered 554"
        assert server.sessions < 8
        channel.close()


def test_a_relay_with_room_for_one_gets_one(loop: asyncio.Runner, channel_to) -> None:
    """A relay that allows fewer connections than we want is used with those, without a rest."""
    welcome = iter(["220 relay.example", "421 4.7.0 too many", "421 4.7.0 too many"])
    with relays.relay(greeting=lambda: next(welcome)) as server:
        channel = channel_to(server.port)
        assert loop.run(sent(channel, ALICE, ALICE, ALICE)) == [SENT]
        assert loop.run(sent(channel, ALICE)) == [SENT]
        channel.close()


def test_a_relay_too_slow_to_welcome_is_given_up(loop: asyncio.Runner, channel_to, monkeypatch) -> None:
    """A dial never holds up the shift for longer than its time."""
    monkeypatch.setattr(email, "CONNECT_SECONDS", 0.2)
    with relays.relay(greeting=SILENCE) as server:
        channel = channel_to(server.port)
        assert loop.run(channel.reserve(2)) == []
        assert channel.trouble == "too slow to connect"
        channel.close()


def test_idle_sessions_are_asked_first(loop: asyncio.Runner, channel_to, monkeypatch) -> None:
    """An idle session is asked with NOOP, and a dead one is replaced before the decision (P2)."""
    monkeypatch.setattr(email, "IDLE_SECONDS", -1.0)
    replies = iter(["250 fine", HANG_UP])
    with relays.relay(noop=lambda: next(replies)) as server:
        channel = channel_to(server.port)
        assert [loop.run(sent(channel, ALICE)) for _ in range(3)] == [[SENT]] * 3
        assert server.verbs().count("NOOP") == 2
        assert server.sessions == 2
        channel.close()


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"rcpt": "550 5.1.1 <alice@example.com> unknown"}, Refused("550 5.1.1")),
        ({"rcpt": "450 4.2.0 greylisted"}, TryLater("450 4.2.0")),
        ({"rcpt": HANG_UP}, NotStarted("the connection was gone")),
        ({"end": HANG_UP}, Unknown("no answer after the mail")),
    ],
)
def test_the_relays_answer_is_the_outcome(loop: asyncio.Runner, channel_to, answers, outcome: Outcome) -> None:
    """What the connection found out comes back as it is (rules 119, 125)."""
    with relays.relay(**answers) as server:
        channel = channel_to(server.port)
        assert loop.run(sent(channel, ALICE)) == [outcome]
        channel.close()


def test_late_is_not_started(loop: asyncio.Runner, channel_to) -> None:
    """More than 1 s after the decision nothing is written (P2)."""
    with relays.relay() as server:
        channel = channel_to(server.port)
        assert loop.run(sent(channel, ALICE, ago=1.01)) == [NotStarted(LATE)]
        assert server.mails == []
        channel.close()


@pytest.mark.parametrize(
    ("stage", "outcome"),
    [
        ("rcpt", NotStarted("the connection was gone")),
        ("end", Unknown("no answer after the mail")),
    ],
)
def test_a_relay_that_hangs_is_cut_short(loop: asyncio.Runner, channel_to, stage: str, outcome: Outcome) -> None:
    """A mail ends before its lease does, with what is then known about it, and its session is not used again (P4)."""
    with relays.relay(**{stage: SILENCE}) as server:
        channel = channel_to(server.port, patience=0.3)
        (slot,) = held = loop.run(channel.reserve(1))
        assert loop.run(channel.send(slot, ALICE, clock.running())) == outcome
        assert not slot.is_open()
        channel.release(held)
        channel.close()


def test_a_cancelled_mail_gives_its_session_up(loop: asyncio.Runner, channel_to) -> None:
    """Nobody reads the late answer of a cancelled mail as another mail's (P4)."""

    async def cancelled(channel: email.EmailChannel) -> list[email.Line]:
        (slot,) = held = await channel.reserve(1)
        sending = asyncio.ensure_future(channel.send(slot, ALICE, clock.running()))
        while "RCPT" not in server.verbs():  # noqa: ASYNC110 - the relay runs in a thread and knows no loop
            await asyncio.sleep(0.01)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        return held

    with relays.relay(rcpt=SILENCE) as server:
        channel = channel_to(server.port)
        held = loop.run(cancelled(channel))
        assert not held[0].is_open()
        channel.release(held)
        channel.close()


def test_whoever_drops_every_mail_is_not_called_without_pause(loop: asyncio.Runner, channel_to) -> None:
    """A mail that did not start is due again at once; the rest between tries keeps that from becoming a storm."""
    with relays.relay(mail=HANG_UP) as server:
        channel = channel_to(server.port)
        outcomes = [loop.run(sent(channel, ALICE)) for _ in range(8)]
        assert outcomes[0] == [NotStarted("the connection was gone")]
        assert [] in outcomes
        assert server.sessions < 8
        channel.close()


def test_mails_that_fail_together_are_one_stumble(loop: asyncio.Runner, channel_to) -> None:
    """One bad moment of the relay costs a second, not a second doubled by every mail that was on its way."""
    with relays.relay(mail=HANG_UP) as server:
        channel = channel_to(server.port, slots=8)
        loop.run(sent(channel, *[ALICE] * 8))
        assert channel._rest == 1.0
        channel.close()


def test_a_mail_that_cannot_be_written_is_our_case(loop: asyncio.Runner, channel_to, caplog) -> None:
    """Two readers in one mail: refused as our fault, never the client's; the log has the field, not the value (P9)."""
    with relays.relay() as server:
        channel = channel_to(server.port)
        both = replace(ALICE, to="alice@example.com, bob@example.com")
        assert loop.run(sent(channel, both)) == [Refused("554 5.6.0")]
        assert loop.run(sent(channel, ALICE)) == [SENT]
        assert server.sessions == 1
        channel.close()
    assert "'field': 'to'" in caplog.text
    assert "bob" not in caplog.text


@dataclass
class Broken:
    """A line with a fault that nobody thought of."""

    open_: bool = False
    calls: list[str] = field(default_factory=list)

    def open(self) -> None:
        self.open_ = True

    def is_open(self) -> bool:
        return self.open_

    def is_fresh(self) -> bool:
        return True

    def deliver(self, mail: Mail, started: float) -> Outcome:
        raise RuntimeError(f"could not reach {mail.to}")

    def close(self) -> None:
        self.open_ = False

    def abort(self) -> None:
        self.close()

    __hash__ = object.__hash__


def test_an_unexpected_error_is_unknown(loop: asyncio.Runner, caplog) -> None:
    """An error is no proof that nothing left; its words may hold an address and stay out of the log (P4, P9)."""
    channel = email.EmailChannel(Broken, slots=1, patience=10.0)
    (slot,) = held = loop.run(channel.reserve(1))
    assert loop.run(channel.send(slot, ALICE, clock.running())) == Unknown("an unexpected error")
    assert not slot.is_open()
    channel.release(held)
    channel.close()
    assert "RuntimeError" in caplog.text
    assert "alice" not in caplog.text


def test_a_forked_child_dials_for_itself(loop: asyncio.Runner, channel_to) -> None:
    """Sessions and threads of a parent are not its child's to use: two would write into one connection (P4)."""
    with relays.relay() as server:
        channel = channel_to(server.port)
        loop.run(sent(channel, ALICE))
        channel._threads.shutdown()
        channel._pid = -1  # as a fork leaves it: the number is the parent's, its threads are gone
        assert loop.run(sent(channel, ALICE)) == [SENT]
        assert server.sessions == 2
        channel.close()


def test_the_sandbox_takes_mail_by_smtp(loop: asyncio.Runner, settings) -> None:
    """EMAIL_URL=sandbox is a real relay on this machine."""
    with relays.relay() as server:
        settings.EMAIL_URL, settings.SANDBOX_SMTP_URL = "sandbox", f"smtp://127.0.0.1:{server.port}"
        channel = email.make()
        assert loop.run(sent(channel, ALICE)) == [SENT]
        channel.close()


def test_a_provider_takes_mail_by_its_api(loop: asyncio.Runner, settings) -> None:
    """EMAIL_URL=anymail+postmark:// sends the same mail through Postmark."""
    with providers.provider() as server:
        settings.EMAIL_URL = f"anymail+postmark://t0ken?api_url=http://127.0.0.1:{server.port}"
        channel = email.make()
        assert loop.run(sent(channel, ALICE, ALICE)) == [Accepted("pm-1")] * 2
        channel.close()
        assert len(server.posts) == 2


def test_a_provider_that_hangs_is_cut_short(loop: asyncio.Runner, settings) -> None:
    """An API that never answers leaves its mail unknown, in time (P4)."""
    with providers.provider(status=providers.HANGS) as server:
        settings.EMAIL_URL = f"anymail+postmark://t0ken?api_url=http://127.0.0.1:{server.port}"
        channel = email.make()
        channel._patience = 0.3
        assert loop.run(sent(channel, ALICE)) == [Unknown("no answer from the provider")]
        assert not server.outlasted
        channel.close()


@pytest.mark.parametrize(
    "url",
    ["sandbox", "smtp://mail.clinic.example", "smtps://me:s3cret@mail.clinic.example", "anymail+postmark://t0ken"],
)
def test_a_good_email_url_is_taken(url: str) -> None:
    """Each form of EMAIL_URL is read without a word on the wire."""
    email.check_email_url(url)


@pytest.mark.parametrize("url", ["", "sendgrid", "smtp://", "s3cret@mail.clinic.example", "anymail+sendgrid://s3cret"])
def test_a_bad_email_url_is_refused_with_the_mend(url: str) -> None:
    """A mistake is told before anything is sent, by the setting's name and without the secret (P9)."""
    with pytest.raises(BadSetting, match="EMAIL_URL: ") as refused:
        email.check_email_url(url)
    assert "s3c" not in str(refused.value)
