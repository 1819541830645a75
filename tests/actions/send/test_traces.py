"""One message's trace from its enrolment to its receipt; without an exporter not a span is made (P9)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker import traces
from worker.actions.receive.receipt import receipt
from worker.actions.send.shift import shift
from worker.models import Attempt
from worker.rules.names import Channel

DUE = NOW + timedelta(hours=1)
pytestmark = pytest.mark.usefixtures("really")  # spans are no rows
WAY = ["enrol", "plan", "claim", "render", "decide", "send", "receipt"]


@pytest.fixture
def spans():
    """What was traced."""
    exporter = InMemorySpanExporter()
    traces.use(SimpleSpanProcessor(exporter))
    yield exporter.get_finished_spans
    traces.end()


def test_one_message_is_followed_from_its_enrolment_to_its_receipt(
    house, spans, monkeypatch, django_capture_on_commit_callbacks
):
    """Issue 7: every step stands in the message's one trace, under its first span, and none in another's."""
    with django_capture_on_commit_callbacks(execute=True):
        client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    monkeypatch.setattr("worker.clock.now", lambda: DUE)
    post.promote(now=DUE)
    shift(channel=Channel.SMS, carrier=post.Provider(), slots=4)
    message = builders.message(client, "same-day")
    attempt = Attempt.objects.get(message=message)
    receipt(attempt_id=attempt.pk, provider_id=attempt.provider_id, status="delivered", code="", raw={}, now=DUE)
    own, pk = traces.of(message.pk), str(message.pk)
    mine = sorted((each for each in spans() if each.context.trace_id == own.trace_id), key=lambda each: each.start_time)
    assert [each.name for each in mine] == [f"{what} message" for what in WAY]
    assert {each.attributes["messaging.message.id"] for each in mine} == {pk}
    first, *later = mine
    assert (first.parent, first.context.span_id) == (None, own.span_id)
    assert {each.parent.span_id for each in later} == {own.span_id}
    assert all(each.start_time <= each.end_time for each in mine)
    assert own == traces.of(message.pk) != traces.of(message.pk + 1)
    assert len({each.context.span_id for each in spans()}) == len(spans())
    of_others = [each for each in spans() if each.context.trace_id != own.trace_id]
    assert of_others
    assert pk not in {each.attributes["messaging.message.id"] for each in of_others}
    told = str([each.to_json() for each in spans()])
    assert not [secret for secret in ("Alice", "5550123", "example") if secret in told]


def test_what_is_planned_later_begins_with_its_plan(house, spans, django_capture_on_commit_callbacks):
    """A message that no enrolment made has its planning for its first span."""
    with django_capture_on_commit_callbacks(execute=True):
        traces.planned([7], clinic_id=1, since=traces.moment())
    (span,) = spans()
    assert (span.name, span.context.span_id, span.parent) == ("plan message", traces.of(7).span_id, None)


def test_what_is_rolled_back_leaves_no_span(house, spans):
    """Only what was committed is told of."""
    builders.alice()
    assert spans() == ()


def test_a_fault_is_told_by_its_type_alone(spans):
    """What an exception says may hold a number or a name (P9)."""
    with pytest.raises(ValueError, match="5550123"), traces.handled("send", 7):
        raise ValueError("no line to +12125550123, Alice")
    (span,) = spans()
    assert span.attributes["error.type"] == "ValueError"
    assert not [secret for secret in ("Alice", "5550123") if secret in span.to_json()]


def test_nothing_is_traced_unless_it_is_asked_for(monkeypatch):
    """Without OTEL_EXPORTER_OTLP_ENDPOINT no tracer is made, and not even the clock is read."""
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    traces.begin()
    assert traces._tracer is None
    monkeypatch.setattr("worker.traces.time", None)
    traces.planned(iter([1]), clinic_id=1, since=traces.moment())
    steps = traces.Steps()
    steps.did("claim", iter([1]))
    steps.tell()
    with traces.because("enrol"), traces.handled("send", 1):
        pass
