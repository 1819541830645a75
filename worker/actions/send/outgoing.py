"""A decided message in the shape its channel takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

from django.conf import settings

from worker import tokens
from worker.channels import mail_bytes
from worker.channels.base import Mail, Sms
from worker.invitations import entry_of
from worker.rules.hours import closing_after
from worker.rules.invitation import invitation, method_of
from worker.rules.names import Channel, MessageClass
from worker.rules.steps import Anchor

if TYPE_CHECKING:
    from datetime import datetime

    from worker.actions.send.prepared import Prepared
    from worker.rules.invitation import Visit

SHORT = timedelta(minutes=1)  # where no closing time is known, rather too short than into the night
LONGEST_VALIDITY = 36_000  # seconds; Twilio takes no more (rule 49)


def of(each: Prepared, now: datetime) -> Sms | Mail:
    """The message as its channel takes it."""
    return _sms(each, now) if each.channel == Channel.SMS else _mail(each)


def _sms(each: Prepared, now: datetime) -> Sms:
    voice = each.voice
    assert voice is not None
    return Sms(
        attempt_id=each.attempt_id.hex,
        to=each.to,
        sender=voice.identity,
        account_sid=voice.account_sid,
        auth_token=voice.auth_token,
        body=each.words.text,
        status_callback=f"{settings.PUBLIC_URL}/hooks/twilio/status?d={each.attempt_id.hex}",
        validity_seconds=validity(each, now),
    )


def validity(each: Prepared, now: datetime) -> int:
    """How many seconds the provider may keep it: never past its useful time nor into the night (rule 49)."""
    until = each.row["expires_at"]
    if each.cls == MessageClass.COURSE:
        hours = each.hours
        closes = closing_after(now, hours.windows, *hours.zones, holidays_from=each.holidays_from)
        until = min(until, closes or now + SHORT)
    return max(1, min(int((until - now).total_seconds()), LONGEST_VALIDITY))


def _mail(each: Prepared) -> Mail:
    mail = _plain_mail(each)
    visit = _visit(each)
    return replace(mail, calendar=invitation(visit), calendar_method=method_of(visit)) if visit else mail


def _visit(each: Prepared) -> Visit | None:
    """The visit that a mail is about, for the client's calendar.

    Published, not requested: a calendar answers a request by a mail of its own, which nobody wrote and which would be
    read as the client's words.
    """
    row = each.row
    if row["appointment_id"] is None or each.card is None:
        return None
    return entry_of(
        each.card.clinic, visit_id=row["appointment_id"], edition=row["appointment__edition"],
        changed_at=row["appointment__changed_at"], starts_at=row["appointment__starts_at"], zone=ZoneInfo(row["zone"]),
        language=row["language"], cancelled=row["kind"] == Anchor.CANCELLATION,
    )  # fmt: skip


def _plain_mail(each: Prepared) -> Mail:
    assert each.card is not None
    assert each.voice is not None
    clinic, voice, row = each.card.clinic, each.voice, each.row
    domain = clinic.mail_domain
    link = row["contact__link_key"]
    return Mail(
        attempt_id=each.attempt_id.hex,
        to=each.to,
        from_name=clinic.name,
        from_address=voice.identity,
        reply_to=clinic.reply_to,
        envelope_sender=f"{tokens.return_path(each.attempt_id)}@{domain}",
        subject=each.words.subject,
        text=each.words.text,
        html=each.words.html,
        language=row["language"],
        message_id=mail_bytes.message_id(_id_key(), str(row["pk"]), each.body_sha256, domain),
        list_id=f"{clinic.slug}-{each.purpose}.{domain}",
        unsubscribe_url=f"{settings.PUBLIC_URL}/u/{tokens.make('u', link)}" if link is not None else "",
        unsubscribe_mail=_leave_by_mail(clinic.reply_to, link),
        auto_submitted="auto-replied" if each.cls == MessageClass.ANSWER else "auto-generated",
    )


def _leave_by_mail(reply_to: str, link: int | None) -> str:
    """A mailto: for mail programs that leave by mail; only where somebody reads that mailbox (rule 115)."""
    if link is None or not settings.MAIL_IS_READ:
        return ""
    return f"mailto:{quote(reply_to, safe='@')}?subject=unsubscribe%20{tokens.make('u', link)}"


def _id_key() -> bytes:
    return b"aftercare message id " + settings.SECRET_KEY.encode()
