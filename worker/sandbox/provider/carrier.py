"""What happens to a message after it was accepted: on its way, on the handset, and reported."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .problems import CARRIER_MESSAGES
from .segments import segments

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from .clock import Clock
    from .faults import Callbacks, Weather
    from .hooks import Hooks
    from .messages import Message
    from .senders import Senders
    from .witness import Witness

_STEP = 0.03  # seconds from accepted to sent, and from sent to the end
_RETRY_WAITS = (0.5,)  # rule 96: one more try when the connection fails
_END_OF_THE_LINE = frozenset({"undelivered", "failed"})


def planned(statuses: Sequence[str], faults: Callbacks, luck: Sequence[float]) -> list[tuple[float, str]]:
    """When (seconds from now) each status is reported: late, twice, turned round or not at all (rule 98).

    `luck` holds one number in [0, 1) for each status; a status goes missing when its number is below `missing`.
    """
    told = [status for status, dice in zip(statuses, luck, strict=True) if dice >= faults.missing]
    if faults.reversed:
        told.reverse()
    step = 0.0 if faults.before_answer else _STEP
    times = [(place * step + faults.delay_ms / 1000, status) for place, status in enumerate(told)]
    return [pair for pair in times for _ in range(faults.copies)]


class Carrier:
    """Moves messages along; a message that has waited past its validity on the calendar fails (code 30036)."""

    def __init__(self, *, clock: Clock, weather: Weather, hooks: Hooks, senders: Senders, witness: Witness) -> None:
        """Work with the parts given."""
        self._clock, self._weather, self._hooks = clock, weather, hooks
        self._senders, self._witness = senders, witness
        self._tasks: set[asyncio.Task[object]] = set()
        self._held: list[Message] = []
        self.pending_callbacks = 0
        self.moving = 0

    def take(self, message: Message) -> Coroutine[None, None, None] | None:
        """Start moving an accepted message; returns the reporting that must be over before the answer (rule 99)."""
        self.moving += 1
        asyncio.get_running_loop().call_later(_STEP, self._depart, message)
        if message.callback is None or not self._weather.now.callbacks.before_answer:
            return None
        return self._report(message, *self._path(message))

    def release(self) -> None:
        """Let go of what was held, unless it is to be held on."""
        held, self._held = self._held, []
        for message in held:
            self._depart(message)

    def background(self, work: Coroutine[Any, Any, object]) -> None:
        """Run `work` without waiting for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Drop what is still on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _path(self, message: Message) -> tuple[list[str], int | None]:
        """The statuses that lie before a message, and the code it fails with."""
        if self._clock.calendar() - message.created > message.validity:
            return ["failed"], 30036
        ends = self._weather.handset(message.to)
        path: list[str] = [ends.status] if ends.status in {"sent", "failed"} else ["sent", ends.status]
        return path, ends.error_code

    def _depart(self, message: Message) -> None:
        if self._weather.now.hold:
            self._held.append(message)
            return
        path, error = self._path(message)
        message.sent = self._clock.calendar()
        message.parts = segments(message.body)
        if message.sender is None and message.service is not None:
            message.sender = self._senders.number(message.service)
        if message.callback is not None and not self._weather.now.callbacks.before_answer:
            self.background(self._report(message, path, error))
        self._move(message, path, error)

    def _move(self, message: Message, path: list[str], error: int | None) -> None:
        message.status, message.updated = path[0], self._clock.calendar()
        if path[0] in _END_OF_THE_LINE:
            message.error_code = error or 30008
            message.error_message = CARRIER_MESSAGES.get(message.error_code, "Delivery failed")
        if len(path) > 1:
            asyncio.get_running_loop().call_later(_STEP, self._move, message, path[1:], error)
        else:
            self.moving -= 1

    def _report(self, message: Message, path: list[str], error: int | None) -> Coroutine[None, None, None]:
        plan = planned(path, self._weather.now.callbacks, [self._weather.luck.random() for _ in path])
        self.pending_callbacks += len(plan)
        return self._call_back(message, plan, error)

    async def _call_back(self, message: Message, plan: list[tuple[float, str]], error: int | None) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        left = len(plan)
        try:
            for due, status in plan:
                await asyncio.sleep(max(0.0, start + due - loop.time()))
                await self._tell(message, status, error)
                self.pending_callbacks -= 1
                left -= 1
        finally:
            self.pending_callbacks -= left

    async def _tell(self, message: Message, status: str, error: int | None) -> None:
        assert message.callback is not None
        at = self._clock.machine()
        params = self._params(message, status, error)
        answer = await self._hooks.signed(message.callback, params, waits=_RETRY_WAITS, on_5xx=False)
        facts = {name: answer[name] for name in ("status", "error", "attempts", "ms")}
        self._witness.saw(
            "callback",
            at=at,
            sid=message.sid,
            url=message.callback,
            params=params,
            answer=facts,
            done=self._clock.machine(),
        )

    def _params(self, message: Message, status: str, error: int | None) -> dict[str, str]:
        sender = message.sender or (self._senders.number(message.service) if message.service else "")
        params = {
            "AccountSid": message.account_sid,
            "ApiVersion": "2010-04-01",
            "From": sender,
            "MessageSid": message.sid,
            "MessageStatus": status,
            "SmsSid": message.sid,
            "SmsStatus": status,
            "To": message.to,
        }
        if message.service:
            params["MessagingServiceSid"] = message.service
        if status in _END_OF_THE_LINE:
            code = error or 30008
            params |= {"ErrorCode": str(code), "ErrorMessage": CARRIER_MESSAGES.get(code, "Delivery failed")}
        return params
