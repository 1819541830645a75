"""What the page shows: each client's phone and mailbox, newest first."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .mail import Mail
    from .messages import Message
    from .outside import Outside

REFRESH = 3  # seconds between two looks; a bubble younger than that may wave
_TINTS = 8
_STATES = {
    "accepted": "on its way",
    "queued": "on its way",
    "sending": "on its way",
    "scheduled": "scheduled",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "received": "sent",
    "canceled": "cancelled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """One text on a phone; `day` is set only where a new day begins (calendar time, UTC)."""

    body: str
    day: str
    at: str
    state: str
    mine: bool
    arrived: bool
    fresh: bool
    sender: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handset:
    """One phone: `name` as people write it, `digits` for addresses."""

    number: str
    name: str
    digits: str
    tint: int
    badge: str
    bubbles: list[Bubble]
    earlier: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail in a mailbox."""

    number: int
    subject: str
    sender: str
    at: str
    one_click: bool
    left: dict[str, object] | None
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """One address and its mails, newest first."""

    address: str
    tint: int
    badge: str
    letters: list[Letter]
    earlier: int


def handsets(outside: Outside, *, most: int, texts: int) -> list[Handset]:
    """Return the `most` phones that moved last, each with its newest `texts` messages.

    They keep the order of their first message: cards that change places under the eye are no calm page.
    """
    newest = sorted(outside.store.by_phone.items(), key=lambda pair: -pair[1][-1].place)[:most]
    steady = sorted(newest, key=lambda pair: pair[1][0].place)
    return [handset(outside, number, held, texts=texts) for number, held in steady]


def handset(outside: Outside, number: str, held: Sequence[Message], *, texts: int) -> Handset:
    """Return one phone with its newest `texts` messages, oldest first as on a real one."""
    shown = held[-texts:]
    days = [day(message.created) for message in shown]
    young = outside.clock.machine() - REFRESH
    return Handset(
        number=number,
        name=spaced(number),
        digits=number.lstrip("+"),
        tint=tint(number),
        badge=number[-2:],
        bubbles=[
            _bubble(message, that_day if place == 0 or days[place - 1] != that_day else "", young)
            for place, (message, that_day) in enumerate(zip(shown, days, strict=True))
        ],
        earlier=len(held) - len(shown),
    )


def _bubble(message: Message, day_begins: str, young: float) -> Bubble:
    failed = message.status in {"undelivered", "failed"}
    state = f"never arrived ({message.error_code})" if failed else _STATES.get(message.status, message.status)
    return Bubble(
        body=message.body,
        day=day_begins,
        at=hour(message.sent or message.created),
        state=state,
        mine=message.direction == "inbound",
        arrived=not failed and message.status not in {"scheduled", "canceled"},
        fresh=message.entered > young,
        sender=spaced(message.sender or "") if message.direction != "inbound" else "",
    )


def mailboxes(outside: Outside, *, most: int, letters: int) -> list[Mailbox]:
    """Return the `most` mailboxes that got mail last, each with its newest `letters`."""
    held: dict[str, list[Mail]] = {}
    for mail in reversed(outside.mailroom.mails):
        for address in mail.recipients:
            held.setdefault(address.lower(), []).append(mail)
    steady = sorted(list(held.items())[:most], key=lambda pair: pair[1][-1].number)
    return [_mailbox(outside, address, mails, letters) for address, mails in steady]


def _mailbox(outside: Outside, address: str, mails: list[Mail], letters: int) -> Mailbox:
    young = outside.clock.machine() - REFRESH
    return Mailbox(
        address=address,
        tint=tint(address),
        badge=address[:1].upper(),
        letters=[letter(outside, mail, young) for mail in mails[:letters]],
        earlier=max(0, len(mails) - letters),
    )


def letter(outside: Outside, mail: Mail, young: float = 0) -> Letter:
    """Return a mail's line in its mailbox; those after machine time `young` are fresh."""
    return Letter(
        number=mail.number,
        subject=mail.reading.subject or "(no subject)",
        sender=mail.reading.sender or mail.mail_from or "(no sender)",
        at=f"{day(mail.calendar)}, {hour(mail.calendar)}",
        one_click=mail.reading.one_click and bool(mail.reading.list_unsubscribe),
        left=outside.unsubscribed.get(mail.number),
        fresh=mail.at > young,
    )


def day(moment: float) -> str:
    """Epoch seconds as "Tue 3 March 2026" in UTC."""
    then = time.gmtime(moment)
    return f"{time.strftime('%a', then)} {then.tm_mday} {time.strftime('%B %Y', then)}"


def hour(moment: float) -> str:
    """Epoch seconds as "10:00" in UTC."""
    return time.strftime("%H:%M", time.gmtime(moment))


def spaced(number: str) -> str:
    """+14155550100 as people write it: +1 415 555 0100; what we cannot group stays as it is."""
    if number.startswith("+1") and len(number) == len("+14155550100"):
        return f"+1 {number[2:5]} {number[5:8]} {number[8:]}"
    if number.startswith(("+441", "+447")) and len(number) == len("+447700900123"):
        return f"+44 {number[3:7]} {number[7:]}"
    return number


def tint(name: str) -> int:
    """Give the same name the same colour, one of eight."""
    return zlib.crc32(name.encode()) % _TINTS
