"""The mailbox that replies and bounces come back to, read over IMAP: looked at only, never changed.

Staff read the same mailbox, so nothing is marked, moved or deleted there (EXAMINE and PEEK); what was read already is
remembered on our side, by UID. imaplib speaks; every wait has an end, and of a mail only its head is fetched.
"""

from __future__ import annotations

import contextlib
import hashlib
import imaplib
import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from config.environment import BadSetting
from worker import clock
from worker.channels.http import tls_context
from worker.channels.incoming import LARGEST

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from datetime import datetime

IMAP_PORT, IMAPS_PORT = 143, 993
WAIT = 10.0  # seconds for any one answer
MOST_UIDS = 1000  # read in one look; the next look goes on from there
MEND = "for example imaps://user:password@imap.example.org/INBOX (a special character in a password is written %40)"

_UIDS = re.compile(rb"\d{1,10}")
_DATE = re.compile(rb'INTERNALDATE "([^"]{1,40})"')


class Closed(Exception):
    """The mailbox could not be read; the words name the step and a kind, never an address or the server's text."""


class Withheld(Closed):
    """One mail that the server refuses to give out, as it does with one that is damaged there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Which folder of which mailbox, and how to log in; its password never shows in a representation."""

    host: str
    port: int
    secure: bool  # TLS from the first byte
    user: str
    password: str
    folder: str

    def __repr__(self) -> str:
        return f"Box({self.host}:{self.port})"

    @property
    def name(self) -> str:
        """What our own record of it goes by: the same for the same folder, and no address (P9)."""
        return hashlib.sha256(f"{self.host}\n{self.port}\n{self.user}\n{self.folder}".encode()).hexdigest()

    @property
    def here(self) -> bool:
        """True for this very machine, where there is no wire to listen on."""
        with contextlib.suppress(ValueError):
            return ip_address(self.host).is_loopback
        return self.host == "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail as the server holds it; `received_at` is when the server took it, aware UTC."""

    uid: int
    received_at: datetime
    raw: bytes


def box(url: str) -> Box:
    """Read imaps://user:password@host[:port][/folder] or imap://..., the parts percent-decoded; the folder is INBOX.

    imap:// turns to TLS by STARTTLS before the password leaves this machine. Raises BadSetting, which never repeats
    the URL.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    folder = unquote(parts.path.strip("/")) or "INBOX"
    if not host or parts.scheme not in {"imap", "imaps"} or parts.query or parts.fragment:
        raise BadSetting(f"MAILBOX_URL: is no IMAP address; {MEND}")
    if not (user and password) or not all(_plain(each) for each in (user, password, folder)):
        raise BadSetting(f"MAILBOX_URL: needs user and password, and folder names, in plain ASCII; {MEND}")
    secure = parts.scheme == "imaps"
    usual = IMAPS_PORT if secure else IMAP_PORT
    return Box(host=host, port=port or usual, secure=secure, user=user, password=password, folder=folder)


def _plain(value: str) -> bool:
    return value.isascii() and value.isprintable()


class Open:
    """One session with the folder selected; `validity` tells when the server counts its UIDs anew (RFC 3501 2.3.1)."""

    def __init__(self, there: Box, *, wait: float = WAIT, tls: ssl.SSLContext | None = None) -> None:
        """Connect, encrypt, log in and look. Raises Closed."""
        self._imap: imaplib.IMAP4 | None = None
        self._lost = False
        with self._step("connect"):
            context = tls or tls_context()
            if there.secure:
                self._imap = imaplib.IMAP4_SSL(there.host, there.port, ssl_context=context, timeout=wait)
            else:
                self._imap = imaplib.IMAP4(there.host, there.port, timeout=wait)
        try:
            self._begin(there, context)
        except Closed:
            self.close()
            raise

    def _begin(self, there: Box, context: ssl.SSLContext) -> None:
        assert self._imap is not None
        if not (there.secure or there.here):
            with self._step("starttls"):  # required: a password must not travel in the clear
                self._imap.starttls(context)
        with self._step("login"):
            self._imap.login(_quoted(there.user), there.password)  # it quotes the password by itself
        with self._step("folder"):
            _ok(self._imap.select(_quoted(there.folder), readonly=True))
            self.validity = int((self._imap.response("UIDVALIDITY")[1] or [b"0"])[0] or 0)

    def after(self, uid: int, *, since: datetime | None = None) -> list[int]:
        """The UIDs above `uid`, oldest first, at most 1000; `since` leaves out what came before that day.

        Raises Closed.
        """
        assert self._imap is not None
        which = [f"UID {uid + 1}:*", *([f"SINCE {_day(since)}"] if since else [])]
        with self._step("search"):
            found = _ok(self._imap.uid("SEARCH", *which))
        uids = sorted({int(each) for line in found if line for each in _UIDS.findall(line)})
        return [each for each in uids if each > uid][:MOST_UIDS]

    def letter(self, uid: int) -> Letter | None:
        """The first 256 kB of one mail; None when it is gone meanwhile.

        Raises Closed; Withheld, a kind of it that leaves the session open, when the server won't give this one out.
        """
        assert self._imap is not None
        with self._step("fetch"):
            answer = self._imap.uid("FETCH", str(uid), f"(INTERNALDATE BODY.PEEK[]<0.{LARGEST}>)")
        if answer[0] == "NO":
            raise Withheld("fetch: refused")
        with self._step("fetch"):
            found = _ok(answer)
        raw = next((part[1] for part in found if isinstance(part, tuple) and isinstance(part[1], bytes)), None)
        said = b" ".join(part[0] if isinstance(part, tuple) else part for part in found if part)
        return None if raw is None else Letter(uid=uid, received_at=_received(said), raw=raw)

    @contextlib.contextmanager
    def _step(self, step: str) -> Iterator[None]:
        try:
            yield
        except (imaplib.IMAP4.error, OSError, ValueError, EOFError) as error:
            self._lost = True
            raise Closed(f"{step}: {type(error).__name__}") from None

    def close(self) -> None:
        """Log out and hang up; only hang up where the other side has failed us already."""
        if self._imap is None:
            return
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            if not self._lost:
                self._imap.logout()
        with contextlib.suppress(OSError):
            self._imap.shutdown()


@contextlib.contextmanager
def opened(there: Box) -> Iterator[Open]:
    """A session for as long as it is needed. Raises Closed."""
    session = Open(there)
    try:
        yield session
    finally:
        session.close()


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _ok(answer: tuple[str, list[Any]]) -> list[Any]:
    if answer[0] != "OK":
        raise imaplib.IMAP4.error
    return answer[1]


def _day(moment: datetime) -> str:
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{moment.day}-{months[moment.month - 1]}-{moment.year}"  # strftime would ask the machine's language


def _received(said: bytes) -> datetime:
    """When the server took it; now where it does not say: a stop that counts too long can be mended by a call."""
    found = _DATE.search(said)
    with contextlib.suppress(ValueError, TypeError):
        if found:
            return parsedate_to_datetime(found[1].decode("ascii").replace("-", " ", 2)).astimezone(UTC)
    return clock.machine()
