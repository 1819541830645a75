"""A pause stands in the chain of every clinic that it silenced, each able to prove why nothing came (P8, rule 144)."""

from __future__ import annotations

import pytest

from tests.builders import NOW, alice, bob
from worker.actions.consent.hold import pause, resume
from worker.actions.send.tend import seal_decisions
from worker.models import Event, Message, Protocol, Seal, Sender
from worker.models.hold import PauseScope
from worker.reading.chain import faults
from worker.rules.states import State


def _own(house):
    """What there is to pause of Lakeside alone."""
    return {
        PauseScope.CLINIC: house.lakeside.pk,
        PauseScope.PROTOCOL: Protocol.objects.filter(clinic=house.lakeside).values_list("pk", flat=True).first(),
        PauseScope.SENDER: Sender.objects.filter(clinic=house.lakeside).values_list("pk", flat=True).first(),
    }


def _value(house, scope):
    return {PauseScope.ALL: "", PauseScope.CHANNEL: "sms"}.get(scope) or str(_own(house).get(scope, ""))


@pytest.mark.parametrize("scope", list(PauseScope))
def test_each_silenced_clinic_has_it_sealed(house, scope):
    """The kill switch and a channel concern both clinics; a clinic, a protocol and a sender only their own."""
    own, value = _own(house), _value(house, scope)
    pause(scope=scope, value=value, why="tests", by="tests", now=NOW)
    resume(scope=scope, value=value, by="tests", now=NOW)
    seal_decisions()
    expected = {house.lakeside.pk} if scope in own else {house.lakeside.pk, house.hillside.pk}
    for kind in ("paused", "resumed"):
        events = Event.objects.filter(kind=kind, code=scope)
        assert {event.clinic_id for event in events} == expected
        assert all(Seal.objects.filter(table="event", row_id=event.pk).exists() for event in events)
    assert faults() == []


@pytest.mark.parametrize("scope", list(PauseScope))
def test_resuming_frees_and_counts_only_what_it_had_silenced(house, scope):
    """P8, P10: one clinic's pause neither tells nor touches how much of another clinic's waits for its own."""
    theirs = {clinic.pk: enrolled().client for clinic, enrolled in ((house.lakeside, alice), (house.hillside, bob))}
    Message.objects.filter(client__in=theirs.values()).update(state=State.HELD, reason="paused")
    pause(scope=scope, value=_value(house, scope), why="tests", by="tests", now=NOW)
    freed = {house.lakeside.pk} if scope in _own(house) else set(theirs)
    expected = Message.objects.filter(clinic__in=freed, state=State.HELD).count()
    assert resume(scope=scope, value=_value(house, scope), by="tests", now=NOW) == expected
    assert set(Message.objects.filter(state=State.HELD).values_list("clinic_id", flat=True)) == set(theirs) - freed
