"""Find texts whose webhook was lost: read the provider's own list, and obey what we have not heard (rules 19, 33).

A STOP must not hang on one POST getting through. Every minute, and when a worker starts, each number's list is read
from where the last reading ended, less an overlap; what is not known goes the way a webhook's text goes, in the order
in which it was written. Nothing here sends, and nothing that sends waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import DatabaseError, DataError, connection
from django.db.models import F

from worker import clock, sealed
from worker.actions.receive.reply import Reply
from worker.actions.receive.sms import inbound_sms
from worker.actions.receive.start import settle_start, waiting
from worker.actions.send.due import LONG_AGO
from worker.channels import turns
from worker.channels.records import Records, RecordsError
from worker.models import Inbound, Sender, Watermark
from worker.rules.names import Channel
from worker.rules.phone import bare_address
from worker.rules.refusal import Refusals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from worker.channels.records import Received

log = structlog.get_logger("aftercare.reconcile")
OVERLAP = timedelta(minutes=10)  # a list may lag behind, and clocks differ
GRACE = timedelta(minutes=1)  # a webhook under way knows more than the list: the provider's own verdict (rule 24)
FIRST = timedelta(days=1)
SPAN = timedelta(hours=1)
LONGEST = 5.0  # seconds after which no other span is begun: a provider that hangs must not keep a worker busy
ONE_SPAN = 20.0  # seconds for reading one span of one list
QUIET = 20  # texts
LONGEST_ID = 80


@dataclass(frozen=True, slots=True)
class Source:
    """One list: an account, one of its numbers ("" for all), and the senders that texts there belong to."""

    name: str
    account_sid: str
    auth_token: str
    number: str
    senders: tuple[Sender, ...]

    def sender_of(self, text: Received) -> Sender | None:
        """Whose text it is: by number, by messaging service, else the account's clinic when it has just one."""
        by_identity = {sender.identity: sender for sender in self.senders}
        found = by_identity.get(text.to) or by_identity.get(text.service)
        if found is None and len({sender.clinic_id for sender in self.senders}) == 1:
            found = self.senders[0]
        return found


@dataclass(slots=True)
class Report:
    """What one reading did: lists read, lists that failed, and texts that no webhook had brought.

    `behind` are lists that time ran out for: never opened, or left before their end. Another reading goes on there.
    """

    read: int = 0
    failed: int = 0
    behind: int = 0
    found: int = 0
    codes: list[str] = field(default_factory=list)


def reconcile(*, now: datetime, longest: float = LONGEST) -> Report:
    """Read every list, beginning none after `longest` seconds; one that fails hides no other, and is read again.

    `now` is calendar time. Twice at once is harmless: a text counts once, by the provider's id.
    """
    report = Report()
    deadline = clock.running() + longest
    sources = _fairly(_sources(report))
    for place, source in enumerate(sources):
        if clock.running() > deadline:
            report.behind += len(sources) - place
            break
        try:
            found, at_end = _read(source, now - GRACE, deadline)
            report.found += found
            report.read += 1
            report.behind += not at_end
        except Exception as error:  # noqa: BLE001 - whatever it is, another list may hold a stop
            _failed(source.name, error, now, report)
    if report.found or report.failed:
        log.warning("inbound_reconciled", read=report.read, failed=report.failed, found=report.found)
    return report


def lists() -> list[Source]:
    """Every list that is read; one whose credentials can't be read is left out."""
    return _sources(Report())


def _sources(report: Report) -> list[Source]:
    """The lists: one per number, or one per account where a messaging service hides which numbers it has."""
    accounts: dict[tuple[str, str], list[Sender]] = {}
    for sender in Sender.objects.filter(channel=Channel.SMS).order_by("-is_active", "pk"):
        try:
            accounts.setdefault(sender.account(), []).append(sender)
        except sealed.Unreadable:  # its webhooks are refused as well until the key is back
            report.failed += 1
            report.codes.append("unreadable_credentials")
    found = []
    for (sid, token), senders in accounts.items():
        if any(not sender.identity.startswith("+") for sender in senders):
            found.append(Source(f"inbound:{sid}", sid, token, "", tuple(senders)))
        else:
            found += [Source(f"inbound:sender:{each.pk}", sid, token, each.identity, (each,)) for each in senders]
    return found


def _fairly(sources: Iterable[Source]) -> list[Source]:
    """The longest unread first: with many numbers none waits for ever for its turn."""
    tried = dict(Watermark.objects.filter(tried_at__isnull=False).values_list("name", "tried_at"))
    return sorted(sources, key=lambda source: tried.get(source.name) or LONG_AGO)


def _read(source: Source, until: datetime, deadline: float) -> tuple[int, bool]:
    """Read a list up to `until`, an hour at first and twice as long after each quiet one.

    How many texts were new, and whether its end was reached.

    The mark moves only past spans that were read whole and obeyed whole, so that a long absence is made up for.
    """
    mark, _ = Watermark.objects.get_or_create(name=source.name, defaults={"read_to": until - FIRST})
    since, span, found = mark.read_to, SPAN, 0
    with Records(source.account_sid, source.auth_token) as records:
        while since < until and (since == mark.read_to or clock.running() < deadline):
            end = min(since + span, until)
            patience = clock.running() + ONE_SPAN
            asked = records.received(to=source.number, since=since - OVERLAP, until=end, deadline=patience)
            texts = turns.run(asked)
            found += _obey(source, texts)
            since, span = end, span * 2 if len(texts) < QUIET else SPAN
            Watermark.objects.filter(pk=mark.pk).update(read_to=since, failures=0, code="", tried_at=clock.now())
    return found, since >= until


def _obey(source: Source, texts: Sequence[Received]) -> int:
    """Hand over what is not known, oldest first; one that fails stops no other.

    It is found again the next time when the database or a key was missing; what fails on the text itself would fail for
    ever, and keep the reading from every STOP after it.
    """
    ids = [text.provider_id for text in texts]
    listed = {text.provider_id: text.at for text in texts}
    known = set(Inbound.objects.filter(channel=Channel.SMS, provider_id__in=ids).values_list("provider_id", flat=True))
    found = 0
    failed: Exception | None = None
    for text in texts:
        sender, address = source.sender_of(text), bare_address(text.sender)
        if text.provider_id in known or sender is None or not address:
            continue
        try:
            inbound_sms(_reply(text, sender, address, listed), now=clock.now())
            found += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, the texts behind this one may be a stop
            waits = isinstance(error, DatabaseError | Refusals) and not isinstance(error, DataError)
            log.error("text_waits" if waits else "text_not_taken", sender=sender.pk, error=type(error).__name__)
            failed = error if waits else failed
    if failed is not None:
        raise failed
    for provider_id in waiting(ids):
        settle_start(provider_id=provider_id, listed=listed, now=clock.now())
    return found


def _reply(text: Received, sender: Sender, address: str, listed: Mapping[str, datetime]) -> Reply:
    return Reply(
        clinic_id=sender.clinic_id,
        provider_id=text.provider_id[:LONGEST_ID],
        address=address,
        body=text.body,
        opt_out_type="",
        provider_answers=sender.provider_handles_optout,
        received_at=min(text.at, clock.now()),
        listed=listed,
    )


def _failed(name: str, error: Exception, now: datetime, report: Report) -> None:
    """Say so where operators look (`status`); the mark stays, so that nothing of the list is passed over."""
    code = error.code if isinstance(error, RecordsError) else type(error).__name__
    report.failed += 1
    report.codes.append(code)
    if isinstance(error, DatabaseError):
        connection.close_if_unusable_or_obsolete()
    try:
        Watermark.objects.filter(name=name).update(failures=F("failures") + 1, code=code[:40], tried_at=now)
    except DatabaseError:  # it is away; the next reading says so again
        connection.close_if_unusable_or_obsolete()
