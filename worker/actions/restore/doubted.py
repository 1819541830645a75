"""What the backup has in doubt and the lost time settled: the text that left then is what it became (P4).

A doubt looks for its own call's minutes. In the lost time that call may have been proved absent, and its text sent
again hours later: the restored doubt would prove it absent once more, and the same words would come twice.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from worker.actions.send.doubt import address_of, leave_unresolved
from worker.actions.send.went import went
from worker.channels.records import RecordsError
from worker.models import Attempt
from worker.models.attempt import AttemptState
from worker.rules.names import Channel

if TYPE_CHECKING:
    from datetime import datetime

    from worker.channels.records import Left

MAY_HAVE_GONE = "restored"  # the reason that a message carries which may have left in the lost time


def settle(texts: list[Left], *, now: datetime) -> int:
    """Give each call in doubt the text of its words, whenever that left; how many. Those are taken out of `texts`.

    Where its number got other words of ours in the lost time nobody can tell: a person is asked, and nothing is sent.
    """
    found = 0
    doubted = Attempt.objects.filter(channel=Channel.SMS, state__in=(AttemptState.SENDING, AttemptState.UNKNOWN))
    for attempt in doubted.select_related("message__contact").order_by("decided_at", "pk"):
        theirs = [text for text in texts if text.to == _number(attempt)]
        same = next((text for text in theirs if _digest(text.body) == attempt.body_sha256), None)
        if same is not None:
            texts.remove(same)
            found += went(
                attempt_id=attempt.pk, provider_id=same.provider_id, status="sent", code="", how="found", now=now
            )  # fmt: skip
        elif theirs:
            leave_unresolved(attempt.pk, MAY_HAVE_GONE, now)
    return found


def _number(attempt: Attempt) -> str:
    try:
        return address_of(attempt.message)
    except RecordsError:
        return ""


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "replace")).hexdigest()
