"""Keeps a run going: people come, the calendar steps from one due moment to the next, and faults fall in between."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db.models import Min

from tests.soak.crowd import PATIENCE, ZONES, patiently
from worker import clock
from worker.models import Attempt, Message
from worker.models.attempt import AttemptState
from worker.rules.gate import Reason
from worker.rules.states import OPEN, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.soak.crowd import Crowd
    from tests.soak.fleet import Fleet
    from tests.soak.run import Score

BUSY_WITHIN = timedelta(days=4)
OPEN_DESK = (10, 16)  # hours in New York at which new clients are treated
SHORTEST_STEP = 0.6
MANY_SPEAK = 0.2  # of those who are due in a busy hour
AT_REST = 3  # looks in a row that find nothing
LOOK_AGAIN = 0.1


class Unsettled(AssertionError):
    """The house did not come to rest when all faults were over."""


class Conductor:
    """One run."""

    def __init__(self, crowd: Crowd, fleet: Fleet, score: Score) -> None:
        self._crowd, self._fleet, self._score = crowd, fleet, score
        self._dice = random.Random(f"calendar {score.seed}")
        self._last_day: object = None
        self.steps = self.leaps = 0

    def play(self) -> None:
        """Go on for as long as the score says."""
        began, seconds = time.monotonic(), self._score.seconds
        withdrawn = False
        while (gone := time.monotonic() - began) < seconds:
            if gone < self._score.newcomers * seconds and self._desk_is_open():
                self._crowd.arrive(self._score.wave)
            if not withdrawn and gone > seconds / 3:
                self._crowd.withdraw()
                withdrawn = True
            self._step()
            self._crowd.act()
            self._while_they_send(min(self._score.pace, began + seconds - time.monotonic()))

    def busy_hour(self, more: Callable[[], bool]) -> None:
        """One step to the hour in which most is due, where many have something to say, for as long as `more` is true.

        The calendar stands still then: what a provider lists of a lost time is asked for by the calendar.
        """
        self.steps += 1
        self._crowd.step_to(patiently(busiest))
        self._crowd.act(share=MANY_SPEAK)
        self._while_they_send(PATIENCE)
        until = time.monotonic() + PATIENCE
        while more():
            if time.monotonic() > until:
                raise Unsettled(f"the mark that proves a restore did not move for {PATIENCE:g} s, see the logs")
            time.sleep(LOOK_AGAIN)

    def _desk_is_open(self) -> bool:
        wall = clock.now().astimezone(ZoneInfo(ZONES[0]))
        opens, closes = OPEN_DESK
        if wall.date() == self._last_day or not opens <= wall.hour < closes or wall.weekday() > 5:
            return False
        self._last_day = wall.date()
        return True

    def _step(self) -> None:
        """To the next due moment, or blindly some hours on; those who are due within a few minutes of it come along."""
        if self._dice.random() < self._score.blind:
            self.leaps += 1
            self._crowd.step_to(clock.now() + timedelta(minutes=self._dice.randrange(20, 700)))
            return
        self.steps += 1
        moment = patiently(next_due)
        noon = clock.now() + timedelta(hours=3)
        self._crowd.step_to(min(moment + timedelta(minutes=5), noon) if moment else noon)

    def _while_they_send(self, longest: float) -> None:
        """Until nearly all that is due has been begun, or it takes too long: the rest may be late, or never go."""
        began = time.monotonic()
        time.sleep(max(0.0, min(SHORTEST_STEP, longest)))
        while time.monotonic() - began < longest and patiently(_waiting) > 2:
            time.sleep(LOOK_AGAIN)

    def drain(self) -> None:
        """Faults are off: let everything come to its end, step by step or in one leap past all useful times."""
        while self._score.walk and (moment := patiently(next_due)) is not None:
            self._crowd.step_to(moment + timedelta(minutes=20))
            self._settle(_waiting)
        self._settle(_in_flight)
        if self._score.walk:
            self._settle(_doubted)  # what proves absent is planned once more
        last = patiently(lambda: Message.objects.filter(state__in=OPEN).order_by("-expires_at").first())
        if last is not None:
            self._crowd.step_to(_noon_after(last.expires_at))  # by day, when what should be over could still go
        self._settle(_open)
        self._settle(lambda: not self._fleet.is_quiet())

    def _settle(self, left: Callable[[], object]) -> None:
        until, in_a_row = time.monotonic() + PATIENCE, 0
        while in_a_row < AT_REST:
            rest = patiently(left)
            in_a_row = 0 if rest else in_a_row + 1
            if time.monotonic() > until:
                raise Unsettled(f"after {PATIENCE:g} s without faults: {rest} left, see the logs")
            time.sleep(LOOK_AGAIN)


def _noon_after(moment: datetime) -> datetime:
    wall = moment.astimezone(ZoneInfo(ZONES[0]))
    noon = wall.replace(hour=12, minute=30, second=0, microsecond=0)
    return noon if noon > wall else noon + timedelta(days=1)


def next_due() -> datetime | None:
    """The next moment at which a planned message is due; one that waits for another is asked too often to count."""
    later = Message.objects.filter(state=State.PLANNED, due_at__gt=clock.now()).exclude(reason=Reason.UNCONFIRMED)
    found: datetime | None = later.aggregate(at=Min("due_at"))["at"]
    return found


def busiest() -> datetime:
    """The last moment of the hour of the next days in which most messages of courses are due."""
    now = clock.now()
    planned = Message.objects.filter(state=State.PLANNED, cls="course", due_at__gt=now, due_at__lt=now + BUSY_WITHIN)
    hours: dict[datetime, list[datetime]] = defaultdict(list)
    for due in planned.values_list("due_at", flat=True):
        hours[due.replace(minute=0, second=0, microsecond=0)].append(due)
    return max(max(hours.values(), key=len, default=[now + BUSY_WITHIN])) + timedelta(seconds=1)


def _waiting() -> int:
    """What is due and may still go; counted in the plan, for the table of what is ready is filled a moment later."""
    now = clock.now()
    return Message.objects.filter(state=State.PLANNED, due_at__lte=now, expires_at__gt=now).count()


def _in_flight() -> int:
    return Attempt.objects.filter(state=AttemptState.SENDING).count()


def _doubted() -> int:
    """Texts whose outcome is being looked for; of mail there is no list, so that nobody finds it out."""
    return Attempt.objects.filter(state=AttemptState.UNKNOWN, channel="sms").count()


def _open() -> int:
    return Message.objects.filter(state__in=(*OPEN, State.CLAIMED, State.SENDING)).count()
