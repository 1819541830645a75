"""Each request has a number, in its line, its events and its answer; the line names the view, never the path (P9)."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from config import logging as log_setup
from tests import builders
from tests.builders import NOW
from worker.models import Event


@pytest.fixture
def lines(capfd):
    """Log as in production, and give the lines back; afterwards as before."""
    before = structlog.get_config()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    loggers = {name: logging.getLogger(name).level for name in ("aftercare.request", "aftercare.message", "twilio")}

    def read(**how):
        log_setup.configure(level="INFO", style="json", **how)
        return lambda: [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]

    yield read
    root.handlers, root.level = handlers, level
    for name, own in loggers.items():
        logging.getLogger(name).setLevel(own)
    structlog.configure(**before)


def test_a_request_leaves_one_line_and_its_number(house, browser, lines):
    """P8, P9: the answer's number is the line's; the secret of the path stands in no line."""
    read = lines()
    answer = browser.get("/u/some-token-of-hers", headers={"X-Request-Id": "+12125550123"})
    told = [each for each in read() if each["event"] == "request"]
    assert [each["request"] for each in told] == [answer["X-Request-Id"]]
    assert len(answer["X-Request-Id"]) == 16
    assert told[0]["view"] == "leave"
    assert told[0]["status"] == answer.status_code
    assert "some-token" not in json.dumps(told)


def test_what_a_request_caused_names_it(house):
    """P8: an event written while a request is answered carries its number; another doesn't."""
    with structlog.contextvars.bound_contextvars(request="abc123"):
        builders.alice()
    named = [each.facts.get("request") for each in Event.objects.filter(kind="enrolled")]
    builders.text_from(house.lakeside, builders.ALICES_PHONE, "STOP", now=NOW)
    assert named == ["abc123"]
    assert "request" not in Event.objects.filter(kind="revoked").latest("pk").facts


def test_a_part_may_be_louder_or_quieter(lines):
    """LOG_LEVELS: one part at DEBUG, another silent; libraries that quote addresses stay quiet (rule 60)."""
    read = lines(parts={"aftercare.request": "DEBUG", "aftercare.message": "WARNING", "twilio": "DEBUG"})
    structlog.get_logger("aftercare.request").debug("loud")
    structlog.get_logger("aftercare.message").info("quiet")
    structlog.get_logger("aftercare.other").debug("as ever")
    logging.getLogger("twilio").info("To=+12125550123")
    (line,) = read()
    assert (line["event"], line["logger"]) == ("loud", "aftercare.request"), "whoever reads it knows what to name"
