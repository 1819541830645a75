"""What the email tests stand on: Alice's mail, and an SMTP relay that answers as its test says."""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from worker.channels.base import Mail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HANG_UP = "hang up"  # instead of a reply, or after it: close without a word
SILENCE = "silence"  # instead of a reply: none, until the other side gives up

ALICE = Mail(
    attempt_id="0f3c9a52b1d84c1e8c50a4d7e6b2f901",
    to="alice@example.com",
    from_name="Clinic",
    from_address="care@clinic.example",
    reply_to="desk@clinic.example",
    envelope_sender="bounce+0f3c9a52b1d84c1e8c50a4d7e6b2f901@mail.clinic.example",
    subject="A note from Clinic for today",
    text="Hello Alice,\n\n.\n.5 l of water a day.\n..\nKeep the area clean.\n",
    html="<p>Hello Alice,</p><p>Keep the area clean.</p>",
    language="en",
    message_id="<9b1f0c@mail.clinic.example>",
    list_id="aftercare.clinic.example",
    unsubscribe_url="https://clinic.example/u/" + "t" * 120,
)


@dataclass
class Relay:
    """A small SMTP server: every verb, and the end of a mail as ".", is answered by `answers`, else as it should be.

    An answer may be a function, called when its turn comes. Every command is kept in `heard`, every whole mail (dots
    unstuffed) in `mails`.
    """

    answers: dict[str, str | Callable[[], str]] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    sessions: int = 0
    port: int = 0

    def verbs(self) -> list[str]:
        return [line.partition(" ")[0].upper() for line in self.heard]

    def reply(self, verb: str, usual: str) -> str:
        answer = self.answers.get(verb, usual)
        return answer() if callable(answer) else answer


@contextmanager
def relay(**answers: str | Callable[[], str]) -> Iterator[Relay]:
    """A relay on loopback. greeting, ehlo, mail, rcpt, data, content, end, rset and noop change its answers."""
    state = Relay({("." if name == "end" else name.upper()): answer for name, answer in answers.items()})

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address, daemon_threads, block_on_close = True, True, False

    with Server(("127.0.0.1", 0), lambda request, *_: _Session(request.makefile("rwb"), state).run()) as server:
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


USUAL = {"GREETING": "220 relay.example", "DATA": "354 go on", ".": "250 2.0.0 kept", "EHLO": "250 relay.example"}


class _Session:
    def __init__(self, wire, state: Relay) -> None:
        self.wire, self.state, self.size = wire, state, 0
        state.sessions += 1

    def run(self) -> None:
        try:
            if self.say("GREETING"):
                while (line := self.wire.readline()) and self.obey(line.decode().strip()):
                    pass
            self.wire.close()
        except OSError:
            pass  # the client hung up first, which is its right

    def obey(self, line: str) -> bool:
        self.state.heard.append(line)
        verb = line.partition(" ")[0].upper()
        answer = self.say(verb)
        return self.mail() if verb == "DATA" and answer.startswith("354") else bool(answer)

    def mail(self) -> bool:
        if self.state.answers.get("CONTENT") == HANG_UP:
            return False
        lines = []
        while (line := self.wire.readline()) != b".\r\n":
            if not line:
                return False
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        self.state.mails.append(b"".join(lines))
        return bool(self.say("."))

    def say(self, verb: str) -> str:
        answer = self.state.reply(verb, USUAL.get(verb, "250 2.0.0 fine"))
        if answer == HANG_UP:
            return ""
        if answer == SILENCE:
            self.wire.read(1)
            return ""
        self.wire.write(answer.removesuffix(HANG_UP).encode() + b"\r\n")
        self.wire.flush()
        return "" if answer.endswith(HANG_UP) else answer
