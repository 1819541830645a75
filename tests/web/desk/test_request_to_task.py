"""From a page to the text that it caused: the request's number stands in the lines of the task that sent it (P8)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from tests.actions import post
from tests.builders import NOW
from tests.web.desk.test_enrol import form
from worker import clock
from worker.actions.send.shift import shift
from worker.models import Client, Ready
from worker.rules.names import Channel


@pytest.fixture(autouse=True)
def _setting(settings, tmp_path):
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(NOW)


def shifted(django_capture_on_commit_callbacks):
    """The lines of one shift, by what they are."""
    with capture_logs() as lines, django_capture_on_commit_callbacks(execute=True):
        shift(channel=Channel.SMS, carrier=post.Provider(), slots=4)
    return {name: [each for each in lines if each["event"] == name] for name in ("message", "shift")}


def test_the_number_of_a_press_stands_in_the_lines_of_what_it_sent(desk, django_capture_on_commit_callbacks):
    """A press that enrols makes a text ready at once: the answer's X-Request-Id is in the text's line and its shift's,
    and nothing else of her.
    """
    answer = desk.browser().post("/enrol", form())
    carla = Client.objects.get(external_id="desk-carla")
    number = answer["X-Request-Id"]
    assert {each.request for each in Ready.objects.filter(message__client=carla)} == {number}
    lines = shifted(django_capture_on_commit_callbacks)
    mine = [each for each in lines["message"] if each.get("request") == number]
    assert mine
    assert [each["requests"] for each in lines["shift"]] == [[number]]
    assert "Carla" not in json.dumps(lines, default=str)


def test_what_time_brought_names_no_request(desk, django_capture_on_commit_callbacks):
    """Days later no request caused it: her events still name the one that planned it."""
    desk.browser().post("/enrol", form())
    Ready.objects.all().delete()
    carla = Client.objects.get(external_id="desk-carla")
    later = carla.messages.filter(channel="sms", cls="course").order_by("due_at").first().due_at
    clock.step_to(later + timedelta(minutes=1))
    post.promote(now=clock.now())
    lines = shifted(django_capture_on_commit_callbacks)
    assert lines["message"]
    assert not [each for kind in lines.values() for each in kind if "request" in each or "requests" in each]
