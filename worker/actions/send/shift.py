"""A shift: claim a batch, decide, call, record, as long as anything is due; many messages for the price of one task.

Order within a round, and why: connections are held open first (no decision waits for a handshake), then claimed and
written, then the limits are asked, then the running clock is read (t0), then decided and committed, then called. A
provider that can't be reached yields no connection, so nothing is claimed and no attempt is spent.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from django.conf import settings
from django.db import DatabaseError, connection

from worker import clock, meters, traces
from worker.actions.record import pulse
from worker.actions.restore import lineage
from worker.actions.send import tally
from worker.actions.send.claim import claim, give_back
from worker.actions.send.decide import decide
from worker.actions.send.due import clock_is_trusted, waiting
from worker.actions.send.incarnation import incarnation
from worker.actions.send.pacing import Pacing, pacing
from worker.actions.send.prepare import prepare
from worker.actions.send.record import record
from worker.actions.send.said import Said
from worker.actions.send.tally import Report
from worker.channels import turns
from worker.channels.base import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from worker.actions.send.claim import Claim
    from worker.actions.send.prepared import Prepared
    from worker.channels.base import Mail, Outcome, Sms
    from worker.rules.names import Channel

log = structlog.get_logger("aftercare.shift")

LONGEST = 15.0  # seconds: a worker that is asked to stop is asked between shifts
GATHER = 0.005  # seconds to let answers gather, so that their outcomes share one commit
AGAIN = 0.25  # seconds between two tries to write outcomes to a database that does not answer


class Carrier(Protocol):
    """A channel as the shift sees it."""

    async def reserve(self, wanted: int) -> list[Any]:
        """Up to `wanted` open connections."""

    def release(self, slots: Iterable[Any]) -> None:
        """Give them back."""

    async def send(self, slot: Any, out: Any, started: float) -> Outcome:
        """One call, never an exception."""


def shift(*, channel: Channel, carrier: Carrier, slots: int, longest: float = LONGEST) -> Report:
    """Send what is due on a channel until nothing is, or for `longest` seconds; then wait for what is in flight."""
    at_work, began = _Shift(channel, carrier, slots, pacing(channel)), clock.running()
    report = at_work.run(longest)
    seconds = clock.running() - began
    if report.claimed:
        meters.SHIFTS.labels(channel).observe(seconds)
        tally.sum_up(report, now=clock.now())
        log.info(
            "shift", channel=channel, claimed=report.claimed, called=report.called, seconds=round(seconds, 3),
            latest_seconds=round(report.latest_seconds, 1), **report.causes, **report.outcomes,
        )  # fmt: skip
    pulse.worked(shift_seconds=seconds if report.claimed else None)
    return report


class _Shift:
    """What one shift holds: calls in flight, and answers that are not written down yet."""

    def __init__(self, channel: Channel, carrier: Carrier, slots: int, pacing: Pacing) -> None:
        self._channel, self._carrier, self._slots, self._pacing = channel, carrier, slots, pacing
        self._flying: dict[asyncio.Task[Outcome], Prepared] = {}
        self._landed: list[Said] = []
        self._waits_since = 0.0  # clock.running() at which the oldest unwritten answer came; 0 while there is none
        self._report = Report(channel=channel)

    def run(self, longest: float) -> Report:
        """Rounds until nothing is due; nothing new is begun while answers wait to be written."""
        began = clock.running()
        try:
            while True:
                started = 0
                if self._has_room() and not self._landed and clock.running() - began < longest:
                    started = self._launch()
                if not (self._flying or self._landed or started):
                    return self._report
                self._land()
        finally:
            while self._flying or self._landed:
                self._land()
            self._pacing.over()

    def _has_room(self) -> bool:
        return (self._slots - len(self._flying)) * 2 >= self._slots

    def _launch(self) -> int:
        """One round up to the calls; how many messages were claimed. A database that fails ends the round, no more."""
        room = self._slots - len(self._flying)
        caps = self._pacing.caps(room)
        resting = [clinic_id for clinic_id, many in caps.items() if not many]
        try:
            due = waiting(channel=self._channel, now=clock.now(), machine=clock.machine(), limit=room, without=resting)
            if not due or not clock_is_trusted() or not lineage.looked():
                return 0
        except DatabaseError as error:
            return self._stumbled(error, [])
        held = turns.run(self._carrier.reserve(min(due, room)))
        claims: list[Claim] = []
        steps = traces.Steps()
        try:
            claims = self._claim(len(held), caps, crowded=due >= len(held)) if held else []
            steps.did("claim", (each.message_id for each in claims))
            going = self._decide(claims, held, steps)
        except DatabaseError as error:
            return self._stumbled(error, claims)
        finally:
            self._carrier.release(held)
        self._report.claimed += len(claims)
        if going:
            turns.run(asyncio.sleep(0))  # the first bytes leave before the next database round
        steps.tell()
        return len(claims)

    def _claim(self, limit: int, caps: Mapping[int, int], *, crowded: bool) -> list[Claim]:
        return claim(
            channel=self._channel,
            limit=limit,
            now=clock.now(),
            machine=clock.machine(),
            lease=timedelta(seconds=settings.LEASE_SECONDS),
            worker=incarnation(),
            crowded=crowded,
            caps=caps,
        )

    def _decide(self, claims: list[Claim], held: list[Any], steps: traces.Steps) -> int:
        """Write, decide, and start the calls of what may go; each takes its connection out of `held`."""
        written = prepare(claims, now=clock.now())
        steps.did("render", (each.pk for each in written))
        self._report.knows(written)
        batch = self._pacing.admit(written)
        going: list[Prepared] = []
        started = clock.running()  # t0: from here one second to the first byte (P2)
        try:
            going = decide(
                batch,
                now=clock.now(),
                machine=clock.machine(),
                lease=timedelta(seconds=settings.LEASE_SECONDS),
                worker=incarnation(),
            )
        finally:
            steps.did("decide", (each.pk for each in batch))
            called = {each.pk for each in going}
            self._pacing.unused(each for each in batch if each.pk not in called)
        if going:
            lineage.calling(going[-1].attempt_id.hex)  # committed, and not called yet
        for each in going:
            assert each.out is not None
            self._report.calls(each.row["due_at"], clock.now())
            call = _call(each, self._carrier, held.pop(), each.out, started)
            self._flying[turns.loop().create_task(call)] = each
        return len(going)

    def _stumbled(self, error: DatabaseError, claims: list[Claim]) -> int:
        """The database failed before anything was committed as sending: nothing left, and the claims are free again."""
        log.warning("round given up", channel=self._channel, error=type(error).__name__, claims=len(claims))
        connection.close_if_unusable_or_obsolete()
        lineage.forget()  # another server may answer from here on
        if claims:
            try:
                give_back(claims, free_at=clock.machine())
            except DatabaseError:
                connection.close()  # the leases end by themselves
        return 0

    def _land(self) -> None:
        """Write down what has come back; wait a moment when nothing has."""
        if self._flying:
            turns.run(asyncio.wait(self._flying, timeout=GATHER))
        fresh = [Said(self._flying.pop(task), task.result()) for task in [*self._flying] if task.done()]
        for said in fresh:
            tally.tell(said, self._report.hears(said.outcome))
        self._landed += fresh
        self._pacing.landed((said.of, said.outcome) for said in fresh)
        if self._landed:
            self._write()

    def _write(self) -> None:
        """Record the answers; a database that is away is asked again, as long as the attempts' leases allow.

        What a provider said is dear: forgotten, an accepted text would end as `unknown`, and a refusal would never
        become a suppression.
        """
        self._waits_since = self._waits_since or clock.running()
        try:
            record(self._landed, now=clock.now())
            self._waits_since = 0.0
        except DatabaseError as error:
            connection.close()
            if clock.running() - self._waits_since > settings.LEASE_SECONDS / 2:
                log.error("answers lost", channel=self._channel, count=len(self._landed), error=type(error).__name__)
                self._landed.clear()
                self._waits_since = 0.0
            else:
                turns.run(asyncio.sleep(AGAIN))


async def _call(each: Prepared, carrier: Carrier, slot: Any, out: Sms | Mail, started: float) -> Outcome:
    began, outcome = clock.running(), None
    try:
        with traces.handled("send", each.pk, channel=each.channel):
            outcome = await carrier.send(slot, out, started)
    except Exception as error:  # noqa: BLE001 - whatever broke, it may have left: never "not sent"
        log.error("call failed", attempt=out.attempt_id, error=type(error).__name__)
        outcome = Unknown(type(error).__name__)
    finally:
        carrier.release([slot])
    tally.answered(each.channel, outcome, clock.running() - began)
    return outcome
