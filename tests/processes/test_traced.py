"""One message's trace over real processes, as a collector gets it: enrolment, sending, receipt (issue 7; P9)."""

from __future__ import annotations

import gzip
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.processes.houses import RunningHouse, settled_home
from tests.processes.witness import until

pytestmark = pytest.mark.processes

WAY = ["enrol", "plan", "claim", "render", "decide", "send", "receipt"]
TOLD = {
    "messaging.operation.name", "messaging.message.id", "aftercare.clinic", "channel", "status",
    "service.name", "service.instance.id", "process.pid",
    "telemetry.sdk.language", "telemetry.sdk.name", "telemetry.sdk.version",
}  # fmt: skip


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP, and keeps each span with the process that sent it."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Taking)
        self.spans, self.raw = [], []

    @property
    def url(self):
        """Its base, as OTEL_EXPORTER_OTLP_ENDPOINT names it."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, body):
        """One batch of one process."""
        self.raw.append(body)
        for each in ExportTraceServiceRequest.FromString(body).resource_spans:
            process = said(each.resource.attributes)
            self.spans += [(span, process) for scope in each.scope_spans for span in scope.spans]

    def of(self, message_id):
        """The spans that tell of one message, as they began."""
        mine = [each for each in self.spans if said(each[0].attributes)["messaging.message.id"] == str(message_id)]
        return sorted(mine, key=lambda each: each[0].start_time_unix_nano)


class Taking(BaseHTTPRequestHandler):
    """POST /v1/traces."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        packed = self.headers.get("Content-Encoding") == "gzip"
        self.server.take(gzip.decompress(body) if packed else body)
        self.send_response(200 if self.path == "/v1/traces" else 404)
        self.end_headers()

    def log_message(self, *_):
        """Nothing: it is no part of the house."""


def said(attributes):
    """OTLP's attributes as a dict."""
    return {each.key: each.value.string_value or each.value.int_value for each in attributes}


@pytest.fixture
def collector():
    """A collector that listens."""
    with Collector() as taking:
        threading.Thread(target=taking.serve_forever, daemon=True).start()
        yield taking
        taking.shutdown()


def test_a_collector_sees_one_message_from_enrolment_to_receipt_in_one_trace(collector, tmp_path):
    """Desk, worker and web part each tell their share of one trace, at their end at the latest, and none who she is."""
    own = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "600000"}
    with RunningHouse(settled_home(tmp_path / "home"), **own) as house:
        house.morning()
        person = house.enrol()
        house.quiet()  # claimed beside its opt-in, a text is looked at again a minute later
        message = house.message(person, "same-day")
        house.step_to(message["due_at"])
        until(lambda: house.message(person, "same-day")["state"] == "delivered")
        phone_got = house.texts(person)
    assert phone_got
    spans = collector.of(message["id"])
    assert list(dict.fromkeys(each.name for each, _ in spans)) == [f"{what} message" for what in WAY]
    assert len({each.trace_id for each, _ in spans}) == 1
    first = spans[0][0]
    assert not first.parent_span_id
    assert {each.parent_span_id for each, _ in spans[1:]} == {first.span_id}
    by = {each.name.removesuffix(" message"): process["process.pid"] for each, process in spans}
    assert len({by["enrol"], by["send"], by["receipt"], os.getpid()}) == 4
    assert by["claim"] == by["send"]
    traces_of_others = {each.trace_id for each, _ in collector.spans} - {first.trace_id}
    assert traces_of_others
    keys = {key for each, process in collector.spans for key in (*said(each.attributes), *process)}
    assert keys <= TOLD
    assert not [each for each, _ in collector.spans if each.events or each.links]
    whole = b"".join(collector.raw)
    for secret in (person.phone, person.phone[-7:], person.email, "example.com", "Alice", "Moreau", *phone_got):
        assert secret.encode() not in whole, secret
