"""Who acts on the stage: many clients with one text due, the workers that send, and every way to stop them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.bench.crowd import _Crowd
from tests.builders import NOW, PROTOCOL, text_from
from tests.interleaving import ledger
from worker import clock
from worker.actions.consent import desk_revoke
from worker.actions.consent.hold import pause
from worker.actions.consent.preferences import end_purpose
from worker.actions.consent.unsubscribe import unsubscribe
from worker.actions.protocols.approve import the_protocol
from worker.actions.send.shift import shift
from worker.actions.send.tend import tend
from worker.models import Contact, Grant, Message, Ready
from worker.models.hold import PauseScope
from worker.rules.names import Channel, Purpose

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from worker.models import Clinic

LATER = timedelta(hours=5)  # beyond what tending brings forward; each play brings its own people forward


class Crowd(_Crowd):
    """People 1 to `size` of Lakeside, whose texts wait until a play wants them."""

    def __init__(self, size: int) -> None:
        protocol = the_protocol(PROTOCOL, clinic_slug="lakeside")
        super().__init__(protocol.clinic, protocol.versions.latest("pk"), size, NOW)
        self.enrol()
        Ready.objects.all().delete()

    def _due(self) -> list[datetime]:
        return [self.now + LATER] * len(self.numbers)

    def person(self, number: int) -> Person:
        """The client of that number."""
        return Person(number, self.phones[number - 1], self.clinic)


@dataclass(frozen=True, slots=True)
class Person:
    """One client; her standing, contact and message have her number."""

    number: int
    phone: str
    clinic: Clinic

    def is_due(self) -> None:
        """Her text is due now."""
        ledger.make_due(self.number, self.clinic.pk, now=clock.now())

    def shares_the_phone_of(self, other: Person) -> None:
        """One phone for a whole family (rule 134)."""
        Contact.objects.filter(pk=self.number).update(standing=other.number)
        Grant.objects.filter(client=self.number).update(standing=other.number)
        Message.objects.filter(client=self.number).update(standing=other.number)

    def contact(self) -> Contact:
        """Where she is written to."""
        return Contact.objects.get(pk=self.number)


def worker(carrier: Any, slots: int = 4) -> Callable[[], Any]:
    """One shift of a worker."""
    return lambda: shift(channel=Channel.SMS, carrier=carrier, slots=slots)


def beat() -> Any:
    """One round of tending."""
    return tend()


def by_text(who: Person) -> None:
    """STOP by SMS ends everything on that number (rule 25)."""
    assert text_from(who.clinic, who.phone, "STOP", now=clock.now()).kind.revokes


def by_link(who: Person) -> None:
    """One click ends everything at that address."""
    assert unsubscribe(link_key=who.contact().link_key, method="one-click", now=clock.now())


def by_preference(who: Person) -> None:
    """Her preference page may end one purpose."""
    assert end_purpose(contact=who.contact(), channel=Channel.SMS, purpose=Purpose.AFTERCARE, now=clock.now())


def by_desk(who: Person) -> None:
    """Sam writes down what she said at the desk (rule 27)."""
    assert desk_revoke.from_desk(
        clinic_slug="", phone="", email="", client_id=who.number, reason="said so", received_at=None, now=clock.now()
    )


def by_doubt(who: Person) -> None:
    """What nobody understands holds the number (rule 17)."""
    assert text_from(who.clinic, who.phone, "the blue lamp, perhaps?", now=clock.now()).kind == "unclear"


def by_pause(who: Person) -> None:
    """The kill switch of her clinic (rule 144)."""
    pause(scope=PauseScope.CLINIC, value=str(who.clinic.pk), why="trial", by="sam@lakeside.example", now=clock.now())


STANDING = {"text": by_text, "link": by_link, "preference": by_preference, "desk": by_desk, "doubt": by_doubt}
EVERY = {**STANDING, "pause": by_pause}


def drift(messages: list[int]) -> None:
    """What waits a moment longer is due now: nobody sits out a second in a test."""
    ledger.bring_forward(messages, to=clock.now() - timedelta(seconds=1))
