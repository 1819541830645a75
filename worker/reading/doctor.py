"""Configuration and connections, each with a mend; `aftercare doctor` exits 1 when anything is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection

from config import environment
from config.environment import BadSetting
from worker import clock
from worker.channels.email import check_email_url
from worker.models import Approval, Clinic, ProtocolVersion, Sender
from worker.models.rows import server_time
from worker.reading import (
    doctor_broker,
    doctor_database,
    doctor_keys,
    look_around,
    mail_names,
    provider_side,
    red_flags,
    wordings,
)
from worker.reading.finding import Finding, not_looked_at
from worker.reading.heads import published
from worker.reading.returning_mail import ways_back
from worker.rules.local_time import zone_data_version
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCOUNT = (
    ("TWILIO_ACCOUNT_SID", "set it: it begins with AC, and stands on the first page of the provider's console"),
    ("TWILIO_AUTH_TOKEN", "set it, or TWILIO_AUTH_TOKEN_FILE: it stands beside the account's SID"),
)
MOST_SKEW = 60.0  # seconds (rule 140)


def findings(*, network: bool = True) -> list[Finding]:
    """Everything, in order; a check that fails does not stop the others. Without `network` no name is looked up.

    A database that does not answer is told once; what needs it was not looked at.
    """
    try:
        found = list(doctor_database.database())
    except DatabaseError as error:
        return [
            doctor_database.away(error),
            *_others(network, lambda check: [_unseen(check, "the database does not answer")]),
        ]
    behind = any(each.fix == "migrate" and not each.ok for each in found)
    return [*found, *_others(network, lambda check: _found(check, behind))]


def _others(network: bool, look: Callable[[Check], list[Finding]]) -> Iterator[Finding]:
    """The findings of all other checks; `look` sees to those that need the database."""
    for check in (*CHECKS, *(OUTSIDE if network else ())):
        yield from look(check) if check.database else check.look()


def _found(check: Check, behind: bool) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check.look())
    except DatabaseError as error:
        why = "tables or columns are missing" if behind else f"the database refused ({type(error).__name__})"
        found.append(_unseen(check, why))
    return found


def _unseen(check: Check, why: str) -> Finding:
    return not_looked_at(check.what, why, "mend what is said of the database, then ask again")


class Check(NamedTuple):
    """What is looked at, by whom, and whether that needs the database."""

    what: str
    look: Callable[[], Iterator[Finding]]
    database: bool = True


def _clock() -> Iterator[Finding]:
    if connection.vendor == "postgresql":
        skew = abs((server_time() - clock.machine()).total_seconds())
        says = f"{skew:.1f} s from the database's clock"
        yield Finding("clock", ok=skew <= MOST_SKEW, says=says, mend="run a time service on both machines")


def _calendar() -> Iterator[Finding]:
    stepped = clock.offset()
    yield Finding("calendar", ok=True, says=f"stepped by {stepped:.0f} s (sandbox)" if stepped else "not stepped")
    yield Finding("zones", ok=True, says=f"time zone data {zone_data_version()}")


def _channels() -> Iterator[Finding]:
    if settings.SMS_CHANNEL == "twilio":
        for name, mend in ACCOUNT:
            given = bool(getattr(settings, name))
            yield Finding(name, ok=given, says="set" if given else "missing", mend=mend)
        secure = urlsplit(settings.PUBLIC_URL).scheme == "https"
        mend = "set PUBLIC_URL to the https address that Twilio can reach; signatures are made over it"
        yield Finding("PUBLIC_URL", ok=secure or settings.ALLOW_FICTION_NUMBERS, says=settings.PUBLIC_URL, mend=mend)
    else:
        yield Finding("SMS_CHANNEL", ok=True, says="sandbox: nothing leaves this machine")
    yield _email()


def _email() -> Finding:
    try:
        check_email_url(settings.EMAIL_URL)
    except BadSetting as bad:
        return Finding("EMAIL_URL", ok=False, says="can't be used", mend=str(bad))
    return Finding("EMAIL_URL", ok=True, says="sandbox" if settings.EMAIL_URL == "sandbox" else "set")


def _mail() -> Iterator[Finding]:
    for what, ok, says, mend in ways_back():
        yield Finding(what, ok=ok, says=says, mend=mend)


def _clinics() -> Iterator[Finding]:
    for clinic in Clinic.objects.order_by("pk"):
        for channel in Channel:
            has = Sender.objects.filter(clinic=clinic, channel=channel, is_active=True).exists()
            says = "has a sender" if has else "has no sender"
            yield Finding(f"{clinic.slug} {channel}", ok=has, says=says, mend="add a [[sender]] and load the file")
        waiting = ProtocolVersion.objects.filter(protocol__clinic=clinic).exclude(
            pk__in=Approval.objects.filter(withdrawn_at__isnull=True).values("version_id")
        )
        drafts = waiting.count()
        yield Finding(f"{clinic.slug} drafts", ok=True, says=f"{drafts} version(s) without a standing approval")


def _on_call() -> Iterator[Finding]:
    """A rehearsal may do without; where clients are real, a warning sign must reach somebody (rule 41)."""
    alone = red_flags.nobody_on_call()
    mend = "let a practitioner agree on the page 'On call': until then a warning sign is a task that nobody is told of"
    for slug in Clinic.objects.order_by("pk").values_list("slug", flat=True):
        says = "no practitioner is told of a warning sign" if slug in alone else "a practitioner is told at once"
        rehearsal = settings.SMS_CHANNEL == "sandbox"
        yield Finding(f"{slug} on call", ok=rehearsal or slug not in alone, says=says, mend=mend)


def _heads() -> Iterator[Finding]:
    mend = "let HEADS_FILE name a file that this part may write, best on a disk that the database does not share"
    if not look_around.writable(Path(settings.HEADS_FILE)):
        yield Finding("HEADS_FILE", ok=False, says="can't be written", mend=mend)
        return
    known = published()
    newest = max((each.at for each in known.newest().values()), default=None)
    says = f"the newest head is of {newest:%-d %B %Y %H:%M} UTC" if newest else "no head was published yet"
    says = known.faults[0] if known.faults else says
    yield Finding("HEADS_FILE", ok=not known.faults, says=says, mend="run aftercare verify, and keep the file as it is")


def _settings() -> Iterator[Finding]:
    """What is set and read by nobody, where a name like it is read and not set."""
    slips = environment.slips()
    for given, meant in slips:
        mend = f"did you mean {meant}?" if meant else "unset it, or give it the name of a setting (.env.example)"
        yield Finding(given, ok=False, says="no setting has this name", mend=mend)
    if not slips:
        yield Finding("settings", ok=True, says="each could be read, and none looks misspelt")


def _wordings() -> Iterator[Finding]:
    for what, says, mend in wordings.unsound():
        yield Finding(what, ok=False, says=says, mend=f"{mend}; give it the next version number")
    for what in wordings.unknown():
        yield Finding(what, ok=True, says="not checked: its language is not known here, let somebody read it")


CHECKS = (
    Check("clock", _clock),
    Check("calendar", _calendar, database=False),
    Check("channels", _channels, database=False),
    Check("mailbox", _mail),
    Check("FINGERPRINT_KEYS", doctor_keys.fingerprint_keys),
    Check("FIELD_KEYS", doctor_keys.field_keys),
    Check("HEADS_FILE", _heads, database=False),
    Check("clinics", _clinics),
    Check("on call", _on_call),
    Check("wordings", _wordings),
    Check("settings", _settings, database=False),
    Check("secrets", look_around.secrets, database=False),
    Check("Redis", doctor_broker.hints, database=False),
    Check("parts", look_around.parts),
    Check("disk", look_around.disk, database=False),
)
OUTSIDE = (
    Check("PUBLIC_URL reached", look_around.way_in, database=False),
    Check("EMAIL_URL reached", look_around.relay, database=False),
    Check("senders at the provider", provider_side.senders),
    Check("mail names", mail_names.mail_names),
)
