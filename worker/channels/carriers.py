"""The one carrier of each channel in this process, as the settings say."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from worker.channels import email, sms
from worker.rules.names import Channel

if TYPE_CHECKING:
    from worker.channels.email import EmailChannel
    from worker.channels.sms import SmsChannel

_made: dict[tuple[int, Channel], SmsChannel | EmailChannel] = {}


def carrier(channel: Channel) -> SmsChannel | EmailChannel:
    """The channel's carrier; a forked process makes its own, because a parent's sockets are not its to use."""
    key = (os.getpid(), channel)
    if key not in _made:
        _made[key] = sms.make() if channel == Channel.SMS else email.make()
    return _made[key]
