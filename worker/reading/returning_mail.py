"""Whether bounces, complaints and replies find their way back to us, for `doctor`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings

from config.environment import BadSetting
from worker import clock
from worker.channels import mailbox
from worker.channels.reported import provider_of
from worker.models import Mailbox

if TYPE_CHECKING:
    from collections.abc import Iterator

LATE = timedelta(minutes=10)  # five looks were left out by then


class Way(NamedTuple):
    """One way back: the setting it hangs on, whether it is well, and how to mend it when it is not."""

    what: str
    ok: bool
    says: str
    mend: str = ""


def ways_back() -> Iterator[Way]:
    """The mailbox, then the provider's webhooks. Connects to the mailbox, and changes nothing there."""
    yield _mailbox()
    provider = provider_of(settings.EMAIL_URL)
    if provider:
        yield _hook(provider)
    elif settings.EMAIL_INBOUND_HOOK:
        mend = "set EMAIL_URL to the provider that posts the replies, or EMAIL_INBOUND_HOOK=0"
        yield Way("EMAIL_INBOUND_HOOK", ok=False, says="on, but EMAIL_URL names no provider", mend=mend)


def _hook(provider: str) -> Way:
    hooks = f"/hooks/email/{provider}/events" + (" and /inbound" if settings.EMAIL_INBOUND_HOOK else "")
    if settings.EMAIL_HOOK_SECRET:
        return Way("EMAIL_HOOK_SECRET", ok=True, says=f"set; {provider} reports to {hooks}")
    mend = "set EMAIL_HOOK_SECRET (or _FILE) and give the provider the address, see docs/mail.md"
    return Way("EMAIL_HOOK_SECRET", ok=False, says="missing: no bounce or complaint is taken", mend=mend)


def _mailbox() -> Way:
    name = "MAILBOX_URL"
    if not settings.MAILBOX_URL:
        says = (
            "replies come by webhook" if settings.EMAIL_INBOUND_HOOK else "off: nobody but staff reads what comes back"
        )
        return Way(name, ok=True, says=f"{says}; see docs/mail.md")
    try:
        there = mailbox.box(settings.MAILBOX_URL)
        with mailbox.opened(there):
            pass
    except BadSetting as bad:
        return Way(name, ok=False, says="can't be used", mend=str(bad))
    except mailbox.Closed as closed:
        mend = "check host, user, password and folder; the mailbox must take IMAP over TLS"
        return Way(name, ok=False, says=f"can't be read ({closed})", mend=mend)
    read_at = Mailbox.objects.filter(name=there.name).values_list("read_at", flat=True).first()
    if read_at is None or clock.machine() - read_at > LATE:
        says = f"last read {read_at:%-d %B %Y %H:%M} UTC" if read_at else "never read yet"
        return Way(name, ok=False, says=says, mend="run beat and a worker: it is read every two minutes")
    return Way(name, ok=True, says="read to its end in the last ten minutes")
