"""Read what came to the mailbox since the last look: every mail once, oldest first, and never stuck on one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import DatabaseError, DataError

from worker import clock
from worker.actions.mail.incoming import mail_in
from worker.channels import mailbox
from worker.models import Mailbox
from worker.rules.refusal import Refusals

if TYPE_CHECKING:
    from worker.channels.mailbox import Letter, Open

log = structlog.get_logger("aftercare.mailbox")
LOOK_BACK = timedelta(days=14)  # of a mailbox that was never read, or whose numbers began anew


def mail_poll(*, longest: float) -> int:
    """Read for at most `longest` seconds and say how many mails were taken; the next look goes on from there.

    What goes wrong with the mailbox is kept for `doctor`, logged without an address, and raises nothing. Raises
    BadSetting for a MAILBOX_URL that can't be used, and database errors.
    """
    there = mailbox.box(settings.MAILBOX_URL)
    mark, _ = Mailbox.objects.get_or_create(name=there.name)
    try:
        with mailbox.opened(there) as session:
            taken, done = _read(session, mark, clock.running() + longest)
    except mailbox.Closed as closed:
        log.warning("mailbox_closed", why=str(closed))
        Mailbox.objects.filter(pk=mark.pk).update(trouble=str(closed)[:80])
        return 0
    Mailbox.objects.filter(pk=mark.pk).update(trouble="", **({"read_at": clock.machine()} if done else {}))
    return taken


def _read(session: Open, mark: Mailbox, until: float) -> tuple[int, bool]:
    """How many were taken, and whether that was all."""
    if mark.validity != session.validity:
        mark.validity, mark.uid = session.validity, 0
        Mailbox.objects.filter(pk=mark.pk).update(validity=mark.validity, uid=0)
    since = clock.machine() - LOOK_BACK if mark.uid == 0 else None
    taken = 0
    withheld: list[int] = []
    for uid in session.after(mark.uid, since=since):
        if clock.running() > until:
            return taken, False
        try:
            letter = session.letter(uid)
        except mailbox.Withheld:
            withheld.append(uid)  # passed over once a later mail is given out, and so the folder is well
            continue
        if letter is not None and not _take(letter):
            return taken, False
        for each in withheld:
            log.error("mail_not_taken", uid=each, error="Withheld")
        withheld.clear()
        taken += 1
        # Two looks at once take a mail twice, which is once; the mark of the slower one must not go back.
        Mailbox.objects.filter(pk=mark.pk, validity=mark.validity, uid__lt=uid).update(uid=uid)
    if withheld:
        raise mailbox.Closed("fetch: refused")
    return taken, True


def _take(letter: Letter) -> bool:
    """False when it must come again: the database or a key is missing. Whatever else is wrong lies in the mail."""
    now = clock.now()
    try:
        was = mail_in(letter.raw, received_at=_calendar(letter.received_at), now=now)
    except Exception as error:  # noqa: BLE001 - whatever it is, the mails behind this one may be a stop
        waits = isinstance(error, DatabaseError | Refusals) and not isinstance(error, DataError)
        log.error("mail_waits" if waits else "mail_not_taken", uid=letter.uid, error=type(error).__name__)
        return not waits
    log.info("mail_in", uid=letter.uid, taken_as=was)
    return True


def _calendar(machine: datetime) -> datetime:
    """The server's clock is the machine's; in the sandbox our calendar may be stepped."""
    return (machine + timedelta(seconds=clock.offset())).astimezone(UTC)
