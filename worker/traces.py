"""One message's trace from its enrolment to its receipt, where OpenTelemetry is installed and asked for.

The number of its trace, and that of the trace's first span, are made from the message's own number: so every process,
on every day, adds its spans to the same trace, and nothing has to be carried along for weeks. The sending of a batch
gives each of its messages spans of its own. Only numbers and our own words are told, and of a fault its type (P9).
Without `aftercare[otel]`, or without OTEL_EXPORTER_OTLP_ENDPOINT, all of this is one comparison.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opentelemetry.trace import SpanContext, Tracer

_tracer: Tracer | None = None
_provider: Any = None
_begun: int | None = None  # in which process: exporters don't outlive a fork
_first: ContextVar[SpanContext | None] = ContextVar("first span", default=None)
_cause: ContextVar[tuple[str, int] | None] = ContextVar("cause", default=None)


def begin() -> None:
    """Start tracing in this process where it is asked for; harmless twice, and needed again after a fork."""
    global _begun  # noqa: PLW0603 - one tracer a process is the point
    if _begun == os.getpid() or not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    _begun = os.getpid()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        return
    use(BatchSpanProcessor(OTLPSpanExporter()))


def end() -> None:
    """Send what was not sent yet: a process that ends without Python's own ending would forget its last seconds."""
    if _provider is not None:
        _provider.shutdown()
    use(None)


def use(processor: Any) -> None:
    """Hand every span to this processor; None ends it."""
    global _tracer, _provider  # noqa: PLW0603
    if processor is None:
        _tracer = _provider = None
        return
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Numbers(RandomIdGenerator):
        """The first span of a message has the number that later ones know; all others are drawn by lot."""

        def generate_trace_id(self) -> int:
            first = _first.get()
            return first.trace_id if first else super().generate_trace_id()

        def generate_span_id(self) -> int:
            first = _first.get()
            return first.span_id if first else super().generate_span_id()

    name = os.environ.get("OTEL_SERVICE_NAME") or "aftercare"
    named: dict[str, str | int] = {"service.name": name, "process.pid": os.getpid()}
    _provider = TracerProvider(resource=Resource.create(named), id_generator=Numbers())
    _provider.add_span_processor(processor)
    _tracer = _provider.get_tracer("aftercare")


def moment() -> int:
    """When something begins that is told of later; 0 while nobody listens."""
    return time.time_ns() if _tracer is not None else 0


@contextmanager
def because(what: str) -> Iterator[None]:
    """What is planned in here has this for its first span: a client's enrolment, from its check to its commit."""
    if _tracer is None:
        yield
        return
    token = _cause.set((what, time.time_ns()))
    try:
        yield
    finally:
        _cause.reset(token)


def planned(message_ids: Iterable[int], *, clinic_id: int, since: int) -> None:
    """The messages were written: each one's own trace begins, once that is committed."""
    if _tracer is None:
        return
    ids, cause = list(message_ids), _cause.get()
    transaction.on_commit(lambda: _begin(ids, clinic_id, cause, since))


def _begin(message_ids: list[int], clinic_id: int, cause: tuple[str, int] | None, since: int) -> None:
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanKind

    if _tracer is None:
        return
    what, began = cause or ("plan", since)
    for pk in message_ids:
        token = _first.set(of(pk))
        try:
            first = _tracer.start_span(
                f"{what} message", context=Context(), kind=SpanKind.PRODUCER, start_time=began,
                attributes=_said(what, pk, {"aftercare.clinic": clinic_id}),
            )  # fmt: skip
        finally:
            _first.reset(token)
        if cause is not None:
            _told("plan", pk, since, time.time_ns())
        first.end()


@contextmanager
def handled(what: str, message_id: int, **said: str | int) -> Iterator[None]:
    """A span of this message's trace over what is done for it now."""
    if _tracer is None:
        yield
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode

    with _tracer.start_as_current_span(
        f"{what} message", context=_under(message_id), kind=SpanKind.CONSUMER, attributes=_said(what, message_id, said),
        record_exception=False, set_status_on_exception=False,  # what an exception says may be a number or a name
    ) as span:  # fmt: skip
        try:
            yield
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise


class Steps:
    """What was done for a whole batch, step after step: told in one go, when nothing that hurries waits for it."""

    def __init__(self) -> None:
        """The first step begins now."""
        self._since = moment()
        self._done: list[tuple[str, list[int], int, int]] = []

    def did(self, what: str, message_ids: Iterable[int]) -> None:
        """A step has ended, and the next one begins."""
        if _tracer is None:
            return
        until = time.time_ns()
        self._done.append((what, list(message_ids), self._since or until, until))
        self._since = until

    def tell(self) -> None:
        """A span of each step for each of its messages."""
        for what, message_ids, since, until in self._done:
            for pk in message_ids:
                _told(what, pk, since, until)


def _told(what: str, message_id: int, since: int, until: int) -> None:
    if _tracer is not None:
        said, under = _said(what, message_id, {}), _under(message_id)
        _tracer.start_span(f"{what} message", context=under, start_time=since, attributes=said).end(until)


def _said(what: str, message_id: int, more: dict[str, Any]) -> dict[str, Any]:
    return {"messaging.operation.name": what, "messaging.message.id": str(message_id), **more}


def _under(message_id: int) -> Any:
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    return set_span_in_context(NonRecordingSpan(of(message_id)), Context())


def of(message_id: int) -> SpanContext:
    """The first span of a message's trace: the same in every process, on every day, as long as SECRET_KEY is."""
    from opentelemetry.trace import SpanContext, TraceFlags

    said = f"trace of message {message_id}".encode()
    digest = hmac.new(settings.SECRET_KEY.encode(), said, hashlib.sha256).digest()
    trace_id, span_id = int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
