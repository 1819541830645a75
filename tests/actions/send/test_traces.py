"""One message's trace from its planning to its receipt, by links; without an exporter not a span is made (P9)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from opentelemetry.sdk.trace import TracerProvider
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


@pytest.fixture
def spans():
    """What was traced."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    traces.use(provider)
    yield exporter.get_finished_spans
    traces.use(None)
    provider.shutdown()


def test_one_message_is_followed_from_its_planning_to_its_receipt(
    house, spans, monkeypatch, django_capture_on_commit_callbacks
):
    """Issue 7: plan, send and receipt point at the same trace, whose number anybody can work out again."""
    with django_capture_on_commit_callbacks(execute=True):
        client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    monkeypatch.setattr("worker.clock.now", lambda: DUE)
    post.promote(now=DUE)
    shift(channel=Channel.SMS, carrier=post.Provider(), slots=4)
    message = builders.message(client, "same-day")
    attempt = Attempt.objects.get(message=message)
    receipt(attempt_id=attempt.pk, provider_id=attempt.provider_id, status="delivered", code="", raw={}, now=DUE)
    own = traces.of(message.pk)
    planned = [span for span in spans() if span.name == "plan message" and span.context.trace_id == own.trace_id]
    assert [span.attributes["messaging.message.id"] for span in planned] == [str(message.pk)]
    linked = [span.name for span in spans() if own.trace_id in {link.context.trace_id for link in span.links}]
    assert linked == ["send message", "receipt message"]
    assert own == traces.of(message.pk) != traces.of(message.pk + 1)
    told = str([(span.name, dict(span.attributes), [dict(link.attributes) for link in span.links]) for span in spans()])
    assert not [secret for secret in ("Alice", "5550123", "example") if secret in told]


def test_what_is_rolled_back_leaves_no_span(house, spans):
    """Only what was committed is told of."""
    builders.alice()
    assert spans() == ()


def test_nothing_is_traced_unless_it_is_asked_for(monkeypatch):
    """Without OTEL_EXPORTER_OTLP_ENDPOINT no tracer is made."""
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    traces.begin()
    assert traces._tracer is None
