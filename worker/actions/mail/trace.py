"""Which mail of ours another mail is about: only what we signed, or what only its reader can know, tells (rule 126)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from worker import tokens
from worker.models import Attempt, Contact
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable

# What channels.mail_bytes.message_id makes: 128 secret bits at a domain.
_MESSAGE_ID = re.compile(r"<([0-9a-f]{32}@[A-Za-z0-9.-]{1,253})>")
_LINK = re.compile(r"/u/([A-Za-z0-9_-]{24})(?![A-Za-z0-9_-])")
_WORD = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{24}(?![A-Za-z0-9_-])")
MOST = 20


def attempts(text: str) -> list[Attempt]:
    """The attempts whose return path or Message-ID stands in `text`; those of several addresses are none of anybody."""
    returned = tokens.returned(text)
    named = _MESSAGE_ID.findall(text)[:MOST]
    mails = Attempt.objects.filter(channel=Channel.EMAIL)
    found = list(mails.filter(pk__in=returned)) or list(mails.filter(provider_id__in=named))
    return found if len({each.standing_id for each in found}) == 1 else []


def replied_to(message_ids: Iterable[str]) -> Attempt | None:
    """The attempt that a reply answers, by the Message-IDs that it names."""
    found = Attempt.objects.filter(channel=Channel.EMAIL, provider_id__in=list(message_ids)[:MOST])
    return found.order_by("-decided_at").first()


def linked(text: str) -> Contact | None:
    """The contact whose unsubscribe link stands in `text`; None when there is none, or are several."""
    return _one(_LINK.findall(text)[:MOST])


def named(subject: str) -> Contact | None:
    """The contact whose token stands in a subject: what a mail program writes for the mailto of our header."""
    return _one(_WORD.findall(subject)[:MOST])


def _one(written: Iterable[str]) -> Contact | None:
    keys = {found.key for token in written if (found := tokens.read("u", token)) is not None}
    contacts = list(Contact.objects.filter(link_key__in=keys, channel=Channel.EMAIL)[:2])
    return contacts[0] if len(contacts) == 1 else None
