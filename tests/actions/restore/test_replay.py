"""What a restore-check looks for: every open message that may have left in the lost time (P4)."""

from __future__ import annotations

from datetime import timedelta

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker.actions.restore.replay import _candidates
from worker.rules.names import Channel


def test_what_was_late_already_may_have_left_in_the_lost_time(house):
    """P4: due hours before the backup and kept by an outage, it may have gone after it; what had expired before not."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    text = builders.message(client, "same-day")
    since = text.due_at + timedelta(hours=2)
    assert since < text.expires_at
    assert (text.pk, text.clinic_id) in _candidates(Channel.SMS, since, since + timedelta(minutes=20))
    after = text.expires_at + timedelta(minutes=1)
    assert text.pk not in dict(_candidates(Channel.SMS, after, after + timedelta(minutes=20)))
