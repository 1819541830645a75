"""What the provider is set to do for each of our senders: without its call no STOP comes by webhook (rules 19, 91)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from worker import sealed
from worker.channels import turns
from worker.channels.console import Console
from worker.channels.records import RecordsError
from worker.models import Sender
from worker.reading.finding import Finding
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.channels.console import Line

MANY = 50  # senders that are asked after; a hundred calls would keep a deploy waiting
HOOK = "/hooks/twilio/inbound"
LOGIN = ("20003", "401", "403")


def senders() -> Iterator[Finding]:
    """Each number and messaging service, at the provider: is it ours, and does it call our web part."""
    if settings.SMS_CHANNEL != "twilio":
        return
    ours = Sender.objects.filter(channel=Channel.SMS, is_active=True).order_by("pk")
    for sender in ours[:MANY]:
        yield _found(sender)
    if (more := ours.count() - MANY) > 0:
        yield Finding("senders at the provider", ok=True, says=f"{more} more were not asked after")


def _found(sender: Sender) -> Finding:
    what = f"{sender.identity} at the provider"
    try:
        line = _asked(sender)
    except sealed.Unreadable:
        mend = "put the key that sealed it back into FIELD_KEYS, or load the clinic's file with its token again"
        return Finding(what, ok=False, says="its own auth token can't be read", mend=mend)
    except RecordsError as error:
        return Finding(what, ok=False, says=f"can't be asked ({error.code})", mend=_mend(error.code))
    return _judged(what, line)


def _asked(sender: Sender) -> Line | None:
    account_sid, token = sender.account()
    service = sender.identity.startswith("MG")
    with Console(account_sid, token, services=service) as console:
        return turns.run((console.service if service else console.number)(sender.identity))


def _mend(code: str) -> str:
    if code in LOGIN:
        mine = "TWILIO_ACCOUNT_SID, and renew TWILIO_AUTH_TOKEN"
        return f"the provider refuses this login: correct {mine}; or both in the clinic's file, where it has its own"
    return "see that this machine reaches TWILIO_API_URL, then ask again"


def _judged(what: str, line: Line | None) -> Finding:
    hook = settings.PUBLIC_URL + HOOK
    if line is None:
        mend = "correct identity and account_sid of the [[sender]]; every text of it is refused"
        return Finding(what, ok=False, says="is not in this account", mend=mend)
    if line.elsewhere:
        return Finding(what, ok=True, says=f"what comes in goes to {line.elsewhere}: see that it ends at {hook}")
    if line.url == hook and line.method == "POST":
        return Finding(what, ok=True, says="what comes in is posted to our web part")
    says = "what comes in goes to nobody" if not line.url else "what comes in goes elsewhere, or not by POST"
    mend = f"in the provider's console set 'A message comes in' to POST {hook}; until then STOPs come by the list alone"
    return Finding(what, ok=False, says=says, mend=mend)
