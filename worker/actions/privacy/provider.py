"""The copies that providers hold of one client's messages, and the call that deletes each (rules 57, 63).

Nothing is called from here: `ask` puts the calls into the queue that `privacy/copies` works off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

from worker.actions.privacy.copies import ask_for, states
from worker.models import Sender
from worker.models.provider_copy import CopyAct
from worker.rules.names import Channel

if TYPE_CHECKING:
    from datetime import datetime

    from worker.actions.privacy.stores import Hers
    from worker.models import Client

TWILIO = "twilio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One message at a provider: its id there, how to empty its text, and how to delete it with its number.

    `state` is pending, done or failed; "ask" where only a person can ask for it.
    """

    provider: str
    id: str
    direction: str  # out, in
    redact: str
    call: str
    account: str = ""
    state: str = "ask"


def ask(client: Client, of: Hers, *, now: datetime) -> list[Copy]:
    """Queue the deletion of every copy of hers that can be called for, and say how far each is."""
    found = copies(client, of)
    callable_ones = [(each.account, each.id) for each in found if each.provider == TWILIO]
    ask_for(CopyAct.DELETE, callable_ones, clinic_id=client.clinic_id, client_id=client.pk, now=now)
    known = states(pk for _, pk in callable_ones)
    return [replace(each, state=known.get((each.account, each.id), each.state)) for each in found]


def copies(client: Client, of: Hers) -> list[Copy]:
    """Every message of hers that a provider may still hold, each once."""
    texts = _ids(of, Channel.SMS)
    replies = of.replies.filter(channel=Channel.SMS).order_by("pk").values_list("provider_id", flat=True)
    mails = _ids(of, Channel.EMAIL)
    accounts = accounts_of(client.clinic_id)
    return [
        *(_text(pk, "out", account) for pk in texts for account in accounts),
        *(_text(pk, "in", account) for pk in dict.fromkeys(replies) for account in accounts),
        *(_mail(pk) for pk in mails),
    ]


def _ids(of: Hers, channel: Channel) -> list[str]:
    """As an answer, a receipt or the message itself named it: an attempt of unknown outcome may know it by one only."""
    found: dict[str, None] = {}
    for rows in (
        of.attempts.filter(channel=channel).order_by("decided_at"),
        of.receipts.filter(attempt__channel=channel).order_by("pk"),
        of.messages.filter(channel=channel).order_by("pk"),
    ):
        found |= dict.fromkeys(rows.exclude(provider_id="").values_list("provider_id", flat=True))
    return list(found)


def accounts_of(clinic_id: int) -> list[str]:
    """The accounts that the clinic's senders belong to; more than one only where a sender was exchanged."""
    senders = Sender.objects.filter(clinic_id=clinic_id, channel=Channel.SMS).order_by("-is_active", "-pk")
    named = [own or settings.TWILIO_ACCOUNT_SID for own in senders.values_list("account_sid", flat=True)]
    return list(dict.fromkeys(named)) or [settings.TWILIO_ACCOUNT_SID]


def _text(sid: str, direction: str, account: str) -> Copy:
    url = f"{settings.TWILIO_API_URL}/2010-04-01/Accounts/{account}/Messages/{sid}.json"
    return Copy(
        provider=TWILIO,
        id=sid,
        direction=direction,
        redact=f'POST {url} Body=""',
        call=f"DELETE {url}",
        account=account,
    )


def _mail(message_id: str) -> Copy:
    """SMTP knows no deletion: whoever runs the relay is asked, by the id alone."""
    name = urlsplit(settings.EMAIL_URL).scheme or settings.EMAIL_URL
    call = f"ask {name} to delete its copy and log lines of {message_id}"
    return Copy(provider=name, id=message_id, direction="out", redact="", call=call)
