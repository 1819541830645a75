"""What the provider lists is taken as it can be kept, and a list that lies is refused as a whole (rules 33, 80)."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace

import pytest

from tests.builders import ALICES_PHONE, NOW
from worker.channels.records import RecordsError, _left, _received


def listed(**changes):
    """One text as the provider's client hands it over."""
    usual = {
        "sid": "SM1", "from_": ALICES_PHONE, "to": "+12125550100", "messaging_service_sid": None, "body": "STOP",
        "date_sent": NOW, "date_created": NOW,
    }  # fmt: skip
    return SimpleNamespace(**(usual | changes))


@pytest.mark.parametrize("half", ["\ud83d", "\ude00\ud83d"])
def test_half_an_emoji_is_marked_and_the_rest_kept(half):
    """P2: what UTF-8 can't hold must not make the whole list unreadable."""
    found = _received(listed(body=f"STOP {half}", from_=f"+1{half}"))
    assert found.body.encode().startswith(b"STOP ")
    assert found.sender.encode()
    assert _received(listed(body="STOP \U0001f600")).body == "STOP \U0001f600"


@pytest.mark.parametrize("date", [None, "yesterday", "", 7, datetime(2027, 1, 12)])  # noqa: DTZ001 - that is the lie
def test_a_text_without_a_moment_is_no_text(date):
    """Rule 30: nobody could tell whether a STOP of no day was taken back; a code says so, not a traceback."""
    assert _received(listed(date_sent=date)).at == NOW
    with pytest.raises(RecordsError) as refused:
        _received(listed(date_sent=date, date_created=date))
    assert refused.value.code == "no_date"


def test_a_text_that_waits_in_the_queue_is_told_by_its_making():
    """P4: it has no date of sending yet; the moment it was made at is all that the list says."""
    waiting = _left(listed(date_sent=None, messaging_service_sid="MG1", from_=None))
    assert (waiting.waits, waiting.at, waiting.service, waiting.sender) == (True, NOW, "MG1", "")
    assert not _left(listed()).waits
