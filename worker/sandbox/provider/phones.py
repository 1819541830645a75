"""What clients do with their phones: they write back, and the application hears of it by a signed webhook."""

from __future__ import annotations

import asyncio
import html
import re
from typing import TYPE_CHECKING, Any

from .messages import Message, new_sid
from .optout import REPLIES, keyword
from .segments import segments
from .shapes import PHONE, SERVICE_SID

if TYPE_CHECKING:
    from .carrier import Carrier
    from .clock import Clock
    from .faults import Weather
    from .hooks import Hooks
    from .messages import Store
    from .options import Options
    from .optout import BlockList
    from .senders import Senders
    from .witness import Witness

_RETRY_WAITS = (0.2, 0.4, 0.8, 1.6)
_ANSWER = re.compile(r"<Message(?:\s[^>]*)?>\s*(?:<Body>)?(.*?)(?:</Body>)?\s*</Message>", re.DOTALL)
_LONGEST = 10_000


class Phones:
    """Replies, the provider's own answers to keywords, and the answers that a webhook gives as TwiML."""

    def __init__(
        self, *, options: Options, clock: Clock, witness: Witness, weather: Weather, store: Store, senders: Senders,
        blocked: BlockList, hooks: Hooks, carrier: Carrier,
    ) -> None:  # fmt: skip
        """Nobody has written yet."""
        self._options, self._clock, self._witness, self._weather = options, clock, witness, weather
        self._store, self._senders, self._blocked, self._hooks = store, senders, blocked, hooks
        self._carrier = carrier
        self.pending = 0

    def write(self, phone: str, body: str, to: str | None = None) -> Message:
        """A client writes `body` from `phone` (E.164) to `to` (a sender, or MG...), or to whoever wrote last.

        Raises ValueError, naming the field, when the phone is no number or there is nobody to reply to.
        """
        if not PHONE.fullmatch(phone):
            raise ValueError("phone: a number in E.164 is needed, such as +14155550100")
        if len(body) > _LONGEST:
            raise ValueError(f"body: at most {_LONGEST} characters")
        last = self._store.last_writer(phone)
        to = to or (last.sender if last else None)
        if to and SERVICE_SID.fullmatch(to):
            to = self._senders.number(to)
        if not to:
            raise ValueError("to: nobody has written to this phone yet, so say whom it writes to")
        return self._received(phone, body, to)

    def _received(self, phone: str, body: str, to: str) -> Message:
        now = self._clock.calendar()
        message = Message(
            sid=new_sid(),
            account_sid=self._options.account_sid,
            to=to,
            sender=phone,
            service=self._senders.service(to),
            body=body,
            direction="inbound",
            status="received",
            created=now,
            updated=now,
            sent=now,
            parts=segments(body),
            entered=self._clock.machine(),
        )
        self._store.keep(message)
        self._witness.saw("inbound", sid=message.sid, phone=phone, to=to, body=body)
        return message

    async def deliver(self, message: Message) -> dict[str, Any]:
        """Tell the application; returns the hook's last answer, or {"lost": True} when a fault ate the webhook."""
        self.pending += 1
        try:
            word = self._own_filter(message)
            faults = self._weather.now.inbound
            await asyncio.sleep(faults.delay_ms / 1000)
            if faults.lose:
                faults.lose -= 1
                self._witness.saw("inbound_lost", sid=message.sid)
                return {"lost": True}
            params = self._params(message, word)
            answers = [await self._tell(message, params) for _ in range(faults.copies)]
            return answers[-1]
        finally:
            self.pending -= 1

    def _own_filter(self, message: Message) -> str | None:
        """Apply the provider's STOP list and send its own answer; returns OptOutType in advanced mode only."""
        mode = self._weather.now.optout
        word = keyword(message.body, to=message.to) if mode != "off" else None
        if word is None:
            return None
        sender = message.service or message.to
        self._blocked.heard(word, sender=sender, phone=message.sender or "")
        self._answer(message, REPLIES[word], origin="provider")
        return word if mode == "advanced" else None

    async def _tell(self, message: Message, params: dict[str, str]) -> dict[str, Any]:
        at = self._clock.machine()
        url = self._options.public_url + "/hooks/twilio/inbound"
        answer: dict[str, Any] = await self._hooks.signed(url, params, waits=_RETRY_WAITS, on_5xx=True)
        facts = {name: answer[name] for name in ("status", "error", "attempts", "ms")}
        self._witness.saw("inbound_hook", at=at, sid=message.sid, answer=facts, done=self._clock.machine())
        if answer["status"] == 200:  # noqa: PLR2004 - HTTP's own
            for text in _ANSWER.findall(answer["body"]):
                self._answer(message, html.unescape(text), origin="twiml")
        return facts

    def _answer(self, heard: Message, body: str, *, origin: str) -> None:
        """Send an SMS that no create asked for: a witness must not miss it (rules 22 and 23)."""
        now = self._clock.calendar()
        message = Message(
            sid=new_sid(),
            account_sid=heard.account_sid,
            to=heard.sender or "",
            sender=heard.to,
            service=heard.service,
            body=body,
            direction="outbound-reply",
            status="queued",
            created=now,
            updated=now,
            entered=self._clock.machine(),
        )
        self._store.keep(message)
        self._witness.saw("answer", sid=message.sid, to=message.to, sender=message.sender, body=body, origin=origin)
        self._carrier.take(message)

    def _params(self, message: Message, word: str | None) -> dict[str, str]:
        params = {
            "AccountSid": message.account_sid,
            "ApiVersion": "2010-04-01",
            "Body": message.body,
            "From": message.sender or "",
            "MessageSid": message.sid,
            "NumMedia": "0",
            "NumSegments": str(message.parts),
            "SmsMessageSid": message.sid,
            "SmsSid": message.sid,
            "SmsStatus": "received",
            "To": message.to,
        }
        if message.service:
            params["MessagingServiceSid"] = message.service
        if word:
            params["OptOutType"] = word
        return params
