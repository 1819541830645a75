"""What Twilio keeps of our texts: the list of what came in, and the copies that it empties or deletes when asked.

None of these calls writes to a client; each may be repeated without harm. The real client speaks, over our own
transport: its time-out holds, it follows no redirect, and nothing is logged (rules 60, 82, 83).
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException

from worker import clock
from worker.channels.http import IDLE_SECONDS, LARGEST_ANSWER, LostAnswerError, NotStartedError, Pool
from worker.channels.sms import speaking
from worker.rules.doubt import Listed
from worker.rules.text import storable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from twilio.rest import Client

    from worker.channels.http import Answer, Connection

PAGE = 40  # messages in one answer: 40 of the longest stay under the largest answer that we take
LARGEST_PAGE = 1000  # messages: the most that the provider puts into one answer (rule 80)
LARGEST_LIST = 24 * 1024 * 1024  # bytes: such an answer with 1000 of the longest, every letter of them escaped
INBOUND, OK = "inbound", 200
GONE = ("404", "20404")


class RecordsError(Exception):
    """The provider did not do it; `code` is its own, the HTTP status, or a word. Never an id or an address."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One text that came in, as the provider lists it; `at` is aware UTC, by the provider's clock."""

    provider_id: str
    sender: str
    to: str
    service: str
    body: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """One text of ours as the provider lists it; `at` is aware UTC, by the provider's clock.

    `sender` and `service` are "" where the list does not say them; `waits` in the provider's queue, it has no date of
    sending, and `at` is when it was made.
    """

    provider_id: str
    to: str
    body: str
    at: datetime
    sender: str = ""
    service: str = ""
    waits: bool = False


class Records:
    """One account at the provider, over one connection that is closed at the end: `with Records(...) as records`."""

    def __init__(self, account_sid: str, auth_token: str, *, origin: str = "", largest: int = LARGEST_ANSWER) -> None:
        self._account_sid, self._auth_token = account_sid, auth_token
        self._origin = origin or settings.TWILIO_API_URL
        self._pool = Pool(self._origin, largest=largest)
        self._slot: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._slot is not None:
            self._slot.close()

    async def received(self, *, to: str, since: datetime, until: datetime, deadline: float) -> list[Received]:
        """Every text that came in from `since` to `until` (aware UTC), oldest first; `to` "" means the whole account.

        Goes through all pages, or raises RecordsError: "too_long" once `clock.running()` has passed `deadline`.
        """
        wanted: dict[str, Any] = {"date_sent_after": since, "date_sent_before": until, "page_size": PAGE}
        if to:
            wanted["to"] = to
        found = [_received(each) async for each in self._listed(wanted, deadline) if each.direction == INBOUND]
        return sorted(found, key=lambda each: (each.at, each.provider_id))

    async def sent(self, *, to: str, deadline: float) -> list[Listed]:
        """Every text of ours to one number that the provider still has, whatever became of it.

        No filter by date: what waits in the provider's queue has no date of sending yet, and would look absent. Goes
        through all pages, or raises RecordsError: "too_long" once `clock.running()` has passed `deadline`.
        """
        wanted = {"to": to, "page_size": PAGE}
        return [_sent(each) async for each in self._listed(wanted, deadline) if _is_ours(each)]

    async def _listed(self, wanted: dict[str, Any], deadline: float) -> AsyncIterator[Any]:
        page = await self._asked(lambda client: client.messages.page_async(**wanted))
        while page is not None:
            for each in page:
                yield each
            if clock.running() > deadline:
                raise RecordsError("too_long")
            page = await self._asked(partial(_following, page))

    async def left(self, *, since: datetime, until: datetime, page: int = LARGEST_PAGE) -> list[Left]:
        """Every text of ours that left this account from `since` to `until` (aware UTC), oldest first.

        By the date of sending, which what waits in the provider's queue has not: ask `left_to` for that. Goes through
        all pages of `page` texts, however long that takes, or raises RecordsError.
        """
        wanted: dict[str, Any] = {"date_sent_after": since, "date_sent_before": until, "page_size": page}
        return _oldest_first([_left(each) async for each in self._listed(wanted, math.inf) if _is_ours(each)])

    async def left_to(self, number: str, *, since: datetime, deadline: float, page: int = PAGE) -> list[Left]:
        """Every text of ours to one number that was made since then (aware UTC), also what waits there, oldest first.

        As `sent`: no filter by date, every page, "too_long" once `clock.running()` has passed `deadline`.
        """
        wanted = {"to": number, "page_size": page}
        ours = [each async for each in self._listed(wanted, deadline) if _is_ours(each)]
        return _oldest_first([_left(each) for each in ours if _moment(each.date_created, each.date_sent) >= since])

    async def redact(self, provider_id: str) -> None:
        """Empty the text of one message there; one that is gone is empty. Raises RecordsError."""
        await self._done(lambda client: client.messages(provider_id).update_async(body=""))

    async def delete(self, provider_id: str) -> None:
        """Delete one message there, text and number; one that is gone is deleted. Raises RecordsError."""
        await self._done(lambda client: client.messages(provider_id).delete_async())

    async def _done(self, call: Callable[[Client], Awaitable[Any]]) -> None:
        try:
            await self._asked(call)
        except RecordsError as error:
            if error.code not in GONE:
                raise

    async def _asked(self, call: Callable[[Client], Awaitable[Any]]) -> Any:
        seen: dict[str, Answer] = {}
        try:
            return await call(speaking(await self._open(), self._account_sid, self._auth_token, seen, self._origin))
        except (NotStartedError, LostAnswerError):
            raise RecordsError("no_answer") from None
        except (TwilioRestException, TwilioServiceException) as error:
            raise RecordsError(str(error.code or error.status)) from None  # its words hold numbers (rule 60)
        except (TwilioException, ValueError, KeyError, TypeError, AttributeError):
            status = seen["answer"].status if "answer" in seen else OK
            raise RecordsError("unreadable" if status == OK else str(status)) from None

    async def _open(self) -> Connection:
        if self._slot is not None and clock.running() - self._slot.idle_since > IDLE_SECONDS:
            self._slot.close()
        if self._slot is None or not self._slot.is_open():
            opened = await self._pool.reserve(1)
            if not opened:
                raise RecordsError("no_connection")
            self._slot = opened[0]
        return self._slot


async def _following(page: Any, _client: Client) -> Any:
    return await page.next_page_async()


def _received(listed: Any) -> Received:
    return Received(
        provider_id=storable(str(listed.sid)),
        sender=storable(str(listed.from_ or "")),
        to=str(listed.to or ""),
        service=str(listed.messaging_service_sid or ""),
        body=storable(str(listed.body or "")),
        at=_written_at(listed),
    )


def _sent(listed: Any) -> Listed:
    return Listed(
        provider_id=storable(str(listed.sid)),
        body_sha256=hashlib.sha256(str(listed.body or "").encode("utf-8", "replace")).hexdigest(),
        sender=str(listed.from_ or ""),
        service=str(listed.messaging_service_sid or ""),
        at=_moment(listed.date_created),
        status=str(getattr(listed.status, "value", listed.status) or ""),
        code=str(listed.error_code or ""),
    )


def _is_ours(listed: Any) -> bool:
    return bool(listed.direction != INBOUND)


def _left(listed: Any) -> Left:
    return Left(
        provider_id=storable(str(listed.sid)), to=str(listed.to or ""), body=str(listed.body or ""),
        at=_written_at(listed), sender=str(listed.from_ or ""), service=str(listed.messaging_service_sid or ""),
        waits=listed.date_sent is None,
    )  # fmt: skip


def _oldest_first(texts: list[Left]) -> list[Left]:
    return sorted(texts, key=lambda each: (each.at, each.provider_id))


def _written_at(listed: Any) -> datetime:
    """Without it nobody can tell a STOP that was taken back from one that was not. Raises RecordsError."""
    return _moment(listed.date_sent, listed.date_created)


def _moment(*told_at: Any) -> datetime:
    for told in told_at:
        if isinstance(told, datetime) and told.tzinfo is not None:  # the client hands over what it can't read as it is
            return told
    raise RecordsError("no_date")
