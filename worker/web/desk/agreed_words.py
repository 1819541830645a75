"""What was agreed to, by which channel and how, as the desk says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext_lazy as _

from worker.rules.names import Channel, Purpose

if TYPE_CHECKING:
    from django.utils.functional import Promise

    from worker.reading.one_client import Act


class Agreed(NamedTuple):
    """One act of her consent in words."""

    purpose: str
    channel: str
    method: str


CHANNELS: dict[str, str | Promise] = {Channel.SMS: "SMS", Channel.EMAIL: _("email")}
PURPOSES: dict[str, str | Promise] = {
    Purpose.AFTERCARE: _("aftercare"),
    Purpose.REMINDERS: _("reminders"),
    Purpose.MARKETING: _("offers"),
}
METHODS: dict[str, str | Promise] = {
    "complaint": _("by calling a mail spam"),
    "contact_changed": _("another address took its place"),
    "desk": _("told to the desk"),
    "double_opt_in": _("by our question"),
    "email": _("by email"),
    "erasure": _("by erasing her data"),
    "kiosk": _("on a screen at the clinic"),
    "link": _("by the link in a message"),
    "mail": _("by answering a mail"),
    "one_click": _("by her mailbox's own button"),
    "paper": _("on paper"),
    "phone": _("on the phone"),
    "provider": _("said by the provider"),
    "rotation": _("as the keys were changed"),
    "sms": _("by text message"),
    "stale": _("it was too old"),
    "unanswered": _("our question was not answered in time"),
    "unsubscribe": _("by unsubscribing at the provider"),
    "verbal": _("in person, read out"),
    "web": _("on a web form"),
}
"""How an act came to be; tests/web/desk/test_refusal_words.py misses one that the code writes."""


def said_of(act: Act) -> Agreed:
    """An act in the language of the page; a code without words stays as it is."""
    return Agreed(
        str(PURPOSES.get(act.purpose, act.purpose)),
        str(CHANNELS.get(act.channel, act.channel)),
        str(METHODS.get(act.method, act.method)),
    )
