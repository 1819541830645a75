"""An IMAP server on loopback, as small as a client that only looks needs it; it fails as its test says."""

from __future__ import annotations

import re
import socketserver
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HANG_UP = "hang up"
SILENCE = "silence"
USER, PASSWORD = "desk", "p@ss word"


@dataclass
class Imap:
    """The folder: mails by UID, each with the moment it came. `answers` replaces what a verb is answered with.

    The mails in `damaged` are listed and never given out.
    """

    mails: dict[int, tuple[datetime, bytes]] = field(default_factory=dict)
    validity: int = 7
    answers: dict[str, str] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    damaged: set[int] = field(default_factory=set)
    flags_changed: bool = False
    port: int = 0

    @property
    def url(self) -> str:
        return f"imap://{USER}:p%40ss%20word@127.0.0.1:{self.port}/INBOX"

    def put(self, raw: bytes, *, at: datetime | None = None) -> int:
        uid = max(self.mails, default=0) + 1
        self.mails[uid] = (at or datetime.now(UTC), raw)
        return uid


@contextmanager
def imap_server(**answers: str) -> Iterator[Imap]:
    """A server with an empty INBOX."""
    state = Imap(answers={verb.upper(): answer for verb, answer in answers.items()})

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


class _Session:
    def __init__(self, wire, state: Imap) -> None:
        self.wire, self.state = wire, state

    def run(self) -> None:
        try:
            self.say("* OK [CAPABILITY IMAP4rev1] ready")
            while line := self.wire.readline():
                tag, _, command = line.decode().strip().partition(" ")
                self.state.heard.append(command)
                if not self.obey(tag, command):
                    break
            self.wire.close()
        except (OSError, ValueError):
            pass  # the client hung up first, which is its right

    def obey(self, tag: str, command: str) -> bool:
        verb = (
            " ".join(command.upper().split()[:2]) if command.upper().startswith("UID ") else command.upper().split()[0]
        )
        answer = self.state.answers.get(verb.replace("UID ", ""))
        if answer == HANG_UP:
            return False
        if answer == SILENCE:
            self.wire.read(1)
            return False
        if answer is None:
            answer = getattr(self, verb.lower().replace(" ", "_"), self.unknown)(command)
        self.say(f"{tag} {answer}")
        return verb != "LOGOUT"

    def capability(self, _command: str) -> str:
        self.say("* CAPABILITY IMAP4rev1")
        return "OK done"

    def login(self, command: str) -> str:
        return "OK in" if command == f'LOGIN "{USER}" "{PASSWORD}"' else "NO wrong"

    def examine(self, command: str) -> str:
        if command != 'EXAMINE "INBOX"':
            return "NO no such folder"
        self.say(f"* {len(self.state.mails)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {self.state.validity}] valid")
        return "OK [READ-ONLY] looking"

    def uid_search(self, command: str) -> str:
        first = int(re.search(r"UID (\d+):\*", command)[1])
        found = [uid for uid in self.state.mails if uid >= first] or list(self.state.mails)[-1:]
        if since := re.search(r"SINCE (\S+)", command):
            day = datetime.strptime(since[1], "%d-%b-%Y").replace(tzinfo=UTC)
            found = [uid for uid in found if self.state.mails[uid][0] >= day]
        self.say(" ".join(["* SEARCH", *map(str, found)]))
        return "OK found"

    def uid_fetch(self, command: str) -> str:
        uid, most = map(int, re.search(r"FETCH (\d+) \(INTERNALDATE BODY\.PEEK\[\]<0\.(\d+)>\)", command).groups())
        if uid in self.state.damaged:
            return "NO [SERVERBUG] can't read it"
        if uid in self.state.mails:
            at, raw = self.state.mails[uid]
            raw = raw[:most]
            self.wire.write(f'* 1 FETCH (UID {uid} INTERNALDATE "{at:%d-%b-%Y %H:%M:%S %z}" BODY[]<0> '.encode())
            self.wire.write(b"{%d}\r\n%s)\r\n" % (len(raw), raw))
        return "OK fetched"

    def logout(self, _command: str) -> str:
        self.say("* BYE")
        return "OK out"

    def unknown(self, _command: str) -> str:
        self.state.flags_changed = True
        return "BAD what"

    def say(self, line: str) -> None:
        self.wire.write(line.encode() + b"\r\n")
        self.wire.flush()
