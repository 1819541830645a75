"""Take what an email provider reports about one mail; whoever calls has checked that the provider speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.actions.mail.report import mail_complained, mail_delivered, mail_returned
from worker.channels.reported import What
from worker.models import Attempt
from worker.rules.names import Channel

if TYPE_CHECKING:
    from datetime import datetime

    from worker.channels.reported import Reported


def mail_event(reported: Reported, *, now: datetime) -> bool:
    """Take one event, any number of times; False when it is about no mail of ours."""
    attempt = _attempt(reported)
    if attempt is None:
        return False
    raw = {"what": reported.what.value, "code": reported.code}
    if reported.what == What.DELIVERED:
        mail_delivered(attempt_id=attempt.pk, provider_id=reported.provider_id, raw=raw, now=now)
    elif reported.what == What.RETURNED:
        mail_returned(attempt_id=attempt.pk, code=reported.code, raw=raw, now=now)
    elif reported.what in (What.COMPLAINT, What.UNSUBSCRIBE):
        source = f"attempt:{attempt.pk.hex}"
        mail_complained(standing_id=attempt.standing_id, method=reported.what.value, source=source, now=now)
    return True


def _attempt(reported: Reported) -> Attempt | None:
    mails = Attempt.objects.filter(channel=Channel.EMAIL)
    if reported.attempt_id is not None:
        return mails.filter(pk=reported.attempt_id).first()
    return mails.filter(provider_id=reported.provider_id).first() if reported.provider_id else None
