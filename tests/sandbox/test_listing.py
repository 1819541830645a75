"""Finding messages again: the filters and pages that reconciliation stands on (rules 33 and 80)."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioException

from .setting import ACCOUNT, BOB, CLINIC

LIST = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


def _sent(outside, to, count, **more):
    sids = [outside.text(to=to, body=f"Message {place}", **more).sid for place in range(count)]
    outside.sandbox.wait_quiet()
    return sids


def test_the_pages_of_a_list_hold_each_message_once_newest_first(outside):
    """Rule 80: page through with the package's own paging, whatever comes in meanwhile."""
    sids = _sent(outside, "+14155550130", 7)
    stream = outside.twilio.messages.stream(to="+14155550130", page_size=3)
    found = [next(stream).sid]
    outside.text(to="+14155550130", body="In between")
    found += [message.sid for message in stream]
    assert found == sids[::-1]


def test_page_numbers_alone_walk_the_list_too(outside):
    """Rule 80: Page without PageToken."""
    sids = _sent(outside, "+14155550131", 5)
    first, second = (
        json.loads(outside.ask("GET", f"{LIST}?To=%2B14155550131&PageSize=3&Page={page}")[2]) for page in (0, 1)
    )
    assert [m["sid"] for m in first["messages"] + second["messages"]] == sids[::-1]
    assert (first["page"], first["page_size"], first["start"], first["end"]) == (0, 3, 0, 2)
    assert first["next_page_uri"]
    assert second["next_page_uri"] is None


def test_pages_hold_50_unless_asked_and_never_more_than_1000(outside):
    """Rule 80: 50 by default, 1,000 at most."""
    sizes = [json.loads(outside.ask("GET", f"{LIST}?{query}")[2])["page_size"] for query in ("", "PageSize=9999")]
    assert sizes == [50, 1000]


def test_from_and_to_filter(outside):
    """Rule 80: To and From."""
    (mine,) = _sent(outside, BOB, 1, from_="+13125550177")
    _sent(outside, BOB, 1, from_=CLINIC)
    assert [m.sid for m in outside.twilio.messages.list(from_="+13125550177")] == [mine]
    assert [m.sid for m in outside.twilio.messages.list(to=BOB, from_="+13125550177")] == [mine]
    assert outside.twilio.messages.list(to="+14155550139", from_="+13125550177") == []


def test_date_sent_filters_to_the_second_and_to_the_day(outside):
    """Rule 80: DateSent, DateSent> and DateSent<, each bound included."""
    (sid,) = _sent(outside, "+14155550132", 1)
    sent = outside.twilio.messages(sid).fetch().date_sent
    second, day = timedelta(seconds=1), timedelta(days=1)

    def found(**bounds):
        return [m.sid for m in outside.twilio.messages.list(to="+14155550132", **bounds)] == [sid]

    assert found(date_sent=sent)
    assert not found(date_sent=sent + second)
    assert found(date_sent_after=sent)
    assert not found(date_sent_after=sent + second)
    assert found(date_sent_before=sent)
    assert not found(date_sent_before=sent - second)
    dates = {"date_sent": sent.date(), "date_sent_after": sent.date(), "date_sent_before": sent.date()}
    assert all(found(**{name: f"{date}"}) for name, date in dates.items())
    assert not found(date_sent_after=f"{sent.date() + day}")
    assert not found(date_sent_before=f"{sent.date() - day}")


def test_what_was_not_yet_sent_has_no_date_to_be_found_by(outside):
    """Rule 80: a message still in motion is not in a list by DateSent: asking too early proves nothing."""
    created = outside.text(to="+14155550133", schedule_type="fixed", send_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert [m.sid for m in outside.twilio.messages.list(to="+14155550133")] == [created.sid]
    assert outside.twilio.messages.list(to="+14155550133", date_sent_after=datetime(2020, 1, 1, tzinfo=UTC)) == []


def test_a_list_may_lag_behind(outside):
    """Rule 80, "slow to list": a young message exists and is not listed yet."""
    (sid,) = _sent(outside, "+14155550134", 1)
    outside.sandbox.faults(list_lag_ms=3_600_000)
    assert outside.twilio.messages.list(to="+14155550134") == []
    assert outside.twilio.messages(sid).fetch().sid == sid
    outside.sandbox.clear_faults()
    assert len(outside.twilio.messages.list(to="+14155550134")) == 1


def test_what_a_client_wrote_is_listed_by_the_clinics_number(outside):
    """Rule 33: a lost STOP is found again through the list."""
    outside.sandbox.faults(inbound={"lose": 1})
    reply = outside.sandbox.reply("+14155550135", "STOP", to="+13125550188")
    (found,) = outside.twilio.messages.list(
        to="+13125550188", date_sent_after=datetime.fromtimestamp(time.time() - 60, UTC)
    )
    assert (found.sid, found.direction, found.body, found.from_) == (reply["sid"], "inbound", "STOP", "+14155550135")


@pytest.mark.parametrize("bounds", [{"date_sent": "yesterday"}, {"date_sent": "2026-02-30"}, {"page_size": "many"}])
def test_an_unreadable_filter_is_refused(outside, bounds):
    """P12: never a full list in place of the one that was asked for."""
    with pytest.raises(TwilioException):
        outside.twilio.messages.list(**bounds) if "page_size" not in bounds else outside.twilio.messages.page(**bounds)


def test_an_unknown_filter_or_token_is_refused(outside):
    """P12: a misspelt filter would list everything."""
    assert outside.ask("GET", LIST + "?Too=x")[0] == 400
    assert outside.ask("GET", LIST + "?PageToken=PAxyz")[0] == 400
