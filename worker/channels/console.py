"""What Twilio is set to do with a text that comes in: whom it calls for a number or a messaging service.

A number that calls somebody else, or nobody, is a STOP that never comes by its webhook. Asked, never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from worker.channels.records import GONE, Records, RecordsError

if TYPE_CHECKING:
    from twilio.rest import Client

MESSAGING = "https://messaging.twilio.com"  # services live on a host of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Where texts to one sender go: `elsewhere` says what answers in place of the address, "" when it is called."""

    url: str
    method: str
    elsewhere: str = ""


class Console(Records):
    """One account's settings, over one connection; for one kind of sender at a time: `with Console(...) as console`."""

    def __init__(self, account_sid: str, auth_token: str, *, services: bool) -> None:
        """`services` for messaging services (MG...), else for numbers."""
        elsewhere = services and settings.TWILIO_API_URL == settings.TWILIO_REAL_URL
        super().__init__(account_sid, auth_token, origin=MESSAGING if elsewhere else "")

    async def number(self, number: str) -> Line | None:
        """Whom a number (E.164) calls; None when the account has no such number. Raises RecordsError."""
        page = await self._asked(lambda client: _numbers(client, number))
        found = next((each for each in page if each.phone_number == number), None)
        if found is None:
            return None
        elsewhere = "a TwiML application" if found.sms_application_sid else ""
        return Line(url=str(found.sms_url or ""), method=str(found.sms_method or ""), elsewhere=elsewhere)

    async def service(self, sid: str) -> Line | None:
        """Whom a messaging service calls; None when the account has no such service. Raises RecordsError."""
        try:
            found = await self._asked(lambda client: client.messaging.v1.services(sid).fetch_async())
        except RecordsError as error:
            if error.code in GONE:
                return None
            raise
        elsewhere = "each of its numbers by itself" if found.use_inbound_webhook_on_number else ""
        url, method = str(found.inbound_request_url or ""), str(found.inbound_method or "")
        return Line(url=url, method=method, elsewhere=elsewhere)


def _numbers(client: Client, number: str) -> Any:
    return client.incoming_phone_numbers.page_async(phone_number=number, page_size=1)
