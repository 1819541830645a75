"""Every mail that comes back, by whichever way: a bounce, a complaint, a person's words, or nothing for us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.actions.mail import trace as mail_trace
from worker.actions.mail.reply import MailReply, mail_reply
from worker.actions.mail.report import mail_complained, mail_returned
from worker.channels.bounces import Kind
from worker.channels.incoming import read
from worker.models import Clinic

if TYPE_CHECKING:
    from datetime import datetime

    from worker.channels.bounces import Report
    from worker.channels.incoming import Incoming


def mail_in(raw: bytes, *, received_at: datetime, now: datetime) -> str:
    """Take one mail and do what it asks; what it was taken for, in one word for the log.

    Only what bears a token of ours may end anything as a bounce or a complaint: both are easily forged (rules 126,
    127). What a machine or a list wrote is never obeyed and never answered (rule 117). `raw` may be anything at all.
    Raises Refusals while a key is missing that tells one address from another, and database errors: then the same
    mail must come again.
    """
    mail = read(raw)
    if mail.report is not None:
        return _report(mail.report, now)
    if mail.automatic:
        return "automatic"
    return mail_reply(_reply(mail, min(received_at, now)), now=now).kind.value


def _report(report: Report, now: datetime) -> str:
    if report.kind == Kind.OTHER:
        return "no_failure"
    found = mail_trace.attempts(report.traces)
    if report.kind == Kind.FAILED:
        for attempt in found:
            mail_returned(attempt_id=attempt.pk, code=report.code, raw={"code": report.code}, now=now)
        return "bounce" if found else "bounce_of_nobody"
    contact = mail_trace.linked(report.traces)
    rows = {each.standing_id for each in found} | ({contact.standing_id} if contact else set())
    if len(rows) != 1:
        return "complaint_of_nobody"
    source = f"attempt:{found[0].pk.hex}" if found else f"contact:{contact.pk}" if contact else ""
    mail_complained(standing_id=rows.pop(), method="complaint", source=source, now=now)
    return "complaint"


def _reply(mail: Incoming, received_at: datetime) -> MailReply:
    contact = mail_trace.named(mail.subject)
    attempt = mail_trace.replied_to(mail.answers) if contact is None else None
    token = contact or attempt
    return MailReply(
        key=mail.key,
        sender=mail.sender,
        clinics=(token.clinic_id,) if token else _clinics(mail.recipients),
        named=token.standing_id if token else None,
        by_link=contact is not None,
        subject=mail.subject if contact is None else mail.subject.split(maxsplit=1)[0],
        words=mail.words,
        unread=mail.unread,
        received_at=received_at,
    )


def _clinics(recipients: tuple[str, ...]) -> tuple[int, ...]:
    """Whose mailbox was written to; all clinics when the mail does not say: one mailbox may serve several."""
    domains = {address.rpartition("@")[2] for address in recipients}
    every = list(Clinic.objects.values_list("pk", "reply_to", "mail_domain"))
    meant = [pk for pk, reply_to, _ in every if reply_to.lower() in recipients]
    meant = meant or [pk for pk, _, domain in every if domain.lower() in domains]
    return tuple(meant or [pk for pk, _, _ in every])
