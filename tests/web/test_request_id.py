"""Each request has a number, in its line, its events and its answer; the line names the view, never the path (P9)."""

from __future__ import annotations

import json
import logging

import pytest
import structlog
from django.test import Client

from config import logging as log_setup
from tests import builders
from tests.builders import NOW
from worker.models import Event, Staff

NAMES = ("aftercare.request", "aftercare.message", "twilio", *log_setup.QUIET)


@pytest.fixture
def lines(capfd):
    """Log as in production, and give the lines back; afterwards as before."""
    before = structlog.get_config()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    loggers = {name: logging.getLogger(name).level for name in NAMES}

    def read(**how):
        log_setup.configure(level="INFO", style="json", **how)
        return lambda: [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]

    yield read
    root.handlers, root.level = handlers, level
    for name, own in loggers.items():
        logging.getLogger(name).setLevel(own)
    structlog.configure(**before)


@pytest.fixture
def desk_browser(house, settings):
    """Sam's, at Lakeside's desk: no operator."""
    settings.SECOND_FACTOR_FOR = ("nobody",)
    signed_in = Client()
    sam = Staff.objects.get(email=builders.SAM)
    sam.roles.exclude(role="desk").delete()
    signed_in.force_login(sam, backend="worker.web.signin.backend.StaffBackend")
    return signed_in


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


def test_a_page_that_she_may_not_see_is_one_line(desk_browser, lines):
    """Rule 60: a 403 leaves its own line, no traceback and no second line, however loud django.request is made."""
    read = lines()
    assert desk_browser.get("/operations").status_code == 403
    assert [(each["event"], each["status"]) for each in read()] == [("request", 403)]
    read = lines(parts={"django.request": "WARNING"})
    assert desk_browser.get("/operations").status_code == 403
    told = read()
    assert len(told) == 2
    assert not [each for each in told if "exception" in each or "exc_info" in each]


def test_what_celery_says_at_each_step_is_not_written(lines):
    """An idle worker leaves no line each second; LOG_LEVELS turns them on, and what fails is always told."""
    read = lines()
    for name in log_setup.QUIET:
        logging.getLogger(name).info("received")
    logging.getLogger("celery.app.trace").error("raised")
    assert [each["event"] for each in read()] == ["raised"]
    read = lines(parts={"celery.app.trace": "INFO"})
    logging.getLogger("celery.app.trace").info("succeeded")
    logging.getLogger("celery.worker.strategy").info("received")
    assert [each["event"] for each in read()] == ["succeeded"]
