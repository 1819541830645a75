"""A pause stands in the chain of every clinic that it silenced, each able to prove why nothing came (P8, rule 144)."""

from __future__ import annotations

import pytest

from tests.builders import NOW
from worker.actions.consent.hold import pause, resume
from worker.actions.send.tend import seal_decisions
from worker.models import Event, Protocol, Seal, Sender
from worker.models.hold import PauseScope
from worker.reading.chain import faults


@pytest.mark.parametrize("scope", list(PauseScope))
def test_each_silenced_clinic_has_it_sealed(house, scope):
    """The kill switch and a channel concern both clinics; a clinic, a protocol and a sender only their own."""
    own = {
        PauseScope.CLINIC: house.lakeside.pk,
        PauseScope.PROTOCOL: Protocol.objects.filter(clinic=house.lakeside).values_list("pk", flat=True).first(),
        PauseScope.SENDER: Sender.objects.filter(clinic=house.lakeside).values_list("pk", flat=True).first(),
    }
    value = {PauseScope.ALL: "", PauseScope.CHANNEL: "sms"}.get(scope) or str(own.get(scope, ""))
    pause(scope=scope, value=value, why="tests", by="tests", now=NOW)
    resume(scope=scope, value=value, by="tests", now=NOW)
    seal_decisions()
    expected = {house.lakeside.pk} if scope in own else {house.lakeside.pk, house.hillside.pk}
    for kind in ("paused", "resumed"):
        events = Event.objects.filter(kind=kind, code=scope)
        assert {event.clinic_id for event in events} == expected
        assert all(Seal.objects.filter(table="event", row_id=event.pk).exists() for event in events)
    assert faults() == []
