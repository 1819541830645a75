"""Traces of one message from its planning to its receipt, where OpenTelemetry is installed and asked for.

A message's trace number is made from its own number, so that nothing has to be carried along for weeks. The span of its
planning stands in that trace; each later span has a link to it, for a collector drops a trace that lasts so long.
Without `aftercare[otel]`, or without OTEL_EXPORTER_OTLP_ENDPOINT, all of this is one comparison (P9: numbers only).
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opentelemetry.trace import SpanContext, Tracer

_tracer: Tracer | None = None
_begun: int | None = None  # in which process: exporters don't outlive a fork


def begin() -> None:
    """Start tracing in this process where it is asked for; harmless twice, and needed again after a fork."""
    global _begun  # noqa: PLW0603 - one tracer a process is the point
    if _begun == os.getpid() or not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    _begun = os.getpid()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        return
    provider = TracerProvider(resource=Resource.create({"service.name": "aftercare"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    use(provider)


def use(provider: Any) -> None:
    """Trace through this provider; None ends it."""
    global _tracer  # noqa: PLW0603
    _tracer = provider.get_tracer("aftercare") if provider is not None else None


def planned(message_ids: Iterable[int], *, clinic_id: int) -> None:
    """The messages were written: the first span of each one's own trace, once that is committed."""
    if _tracer is None:
        return
    ids, tracer = list(message_ids), _tracer
    transaction.on_commit(lambda: _begin(tracer, ids, clinic_id))


def _begin(tracer: Tracer, message_ids: list[int], clinic_id: int) -> None:
    from opentelemetry.trace import NonRecordingSpan, SpanKind, set_span_in_context

    for pk in message_ids:
        own = set_span_in_context(NonRecordingSpan(of(pk)))
        said: dict[str, str | int] = {
            "messaging.operation.name": "plan",
            "messaging.message.id": str(pk),
            "aftercare.clinic": clinic_id,
        }
        tracer.start_span("plan message", context=own, kind=SpanKind.PRODUCER, attributes=said).end()


@contextmanager
def handled(what: str, message_ids: Iterable[int], **said: str | int) -> Iterator[None]:
    """One span over what is done for these messages now, with a link to each one's trace."""
    if _tracer is None:
        yield
        return
    from opentelemetry.trace import Link, SpanKind

    links = [Link(of(pk), {"messaging.message.id": str(pk)}) for pk in message_ids]
    named = {"messaging.operation.name": what, **said}
    with _tracer.start_as_current_span(f"{what} message", kind=SpanKind.CONSUMER, links=links, attributes=named):
        yield


def of(message_id: int) -> SpanContext:
    """The place that every span of a message points at: the same in every process, on every day."""
    from opentelemetry.trace import SpanContext, TraceFlags

    digest = hashlib.sha256(f"aftercare message {settings.SECRET_KEY} {message_id}".encode()).digest()
    trace_id, span_id = int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
