"""A client has another phone or mailbox: the old consent closes, and the new address needs its own (rules 8, 34).

A consent is for the address that was given with it. So a change ends everything at the old one, at once, and the new
one gets what a form agreed to for it, or one question, or nothing but a task for staff.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from worker import sealed
from worker.actions.clients import search
from worker.actions.clients.contact_check import Checked, check
from worker.actions.clients.enrol import new_contact, refuse_stopped, say_if_held
from worker.actions.clients.enrol_consent import Form, give
from worker.actions.clients.erased import refuse_older
from worker.actions.clients.go_on import go_on
from worker.actions.consent import ledger
from worker.actions.consent import standing as standings
from worker.actions.consent.optin import ask, ask_acts, has_question
from worker.actions.course.cancel import cancel
from worker.actions.receive.follow_up import follow_up
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.models import Client, Contact, Grant
from worker.rules.clocks import clocks
from worker.rules.consent import ENDED, Act, GrantState
from worker.rules.names import AnswerKind, Channel, Purpose
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from worker.intake.contact import ContactFile
    from worker.models import Message, Standing

REASON = "contact_changed"
OPENING = (AnswerKind.OPTIN_QUESTION, AnswerKind.OPTIN_CONFIRMATION)


@dataclass(slots=True, kw_only=True)
class Changed:
    """What became of each channel: closed consents, cancelled and newly planned messages, and what is still needed.

    `asked` channels wait for the client's own yes; on `silent` ones nothing comes until she agrees.
    """

    client: Client
    closed: int = 0
    cancelled: int = 0
    planned: list[Message] = field(default_factory=list)
    asked: list[Channel] = field(default_factory=list)
    silent: list[Channel] = field(default_factory=list)


def change_contact(*, client_id: int, file: ContactFile, now: datetime) -> Changed:
    """Give a client another phone, mailbox or both, in one transaction. Raises Refusals; then nothing changed.

    The same address with new consents renews them, as after a long silence (rule 9).
    """
    client = Client.objects.select_related("clinic").filter(pk=client_id, erased_at__isnull=True).first()
    if client is None:
        raise Refusals([Refusal("client", "is not known here", "see `aftercare messages --json` for ids")])
    return _write(check(client, file, now), now)


@transaction.atomic
def _write(checked: Checked, now: datetime) -> Changed:
    client = checked.client
    rows = _locked(checked, now)
    refuse_stopped(rows)
    refuse_older(checked.client.clinic, checked.addresses, checked.file.consents)
    changed = Changed(client=client)
    before = {Channel(each.channel): each for each in _current(client)}
    for channel, row in rows.items():
        old = before.get(channel)
        if old is not None and old.standing_id == row.pk:
            _renew(checked, old, row, changed, now)
        else:
            _move(checked, old, row, changed, now)
    record(
        clinic_id=client.clinic_id, kind=REASON, subject=f"client:{client.pk}", actor=checked.by, at=now,
        facts={
            "channels": sorted(rows), "closed": changed.closed, "cancelled": changed.cancelled,
            "planned": len(changed.planned), "asked": changed.asked, "silent": changed.silent,
        },
        sealed=True,
    )  # fmt: skip
    return changed


def _locked(checked: Checked, now: datetime) -> dict[Channel, Standing]:
    """The new addresses' rows by channel; the rows of today's are locked with them, then the client (two desks).

    Of an address all rows are locked and the strictest is it (P2, rule 34); one that has the client is hers still.
    """
    client = checked.client
    new = {
        channel: standings.ensure_all(clinic_id=client.clinic_id, channel=channel, address=normal, now=now)
        for channel, (_, normal, _) in checked.addresses.items()
    }
    today = set(_current(client).values_list("standing_id", flat=True))
    rows = standings.lock([*chain.from_iterable(new.values()), *today])
    follow_up(rows, now=now)
    still = Client.objects.select_for_update(no_key=True).get(pk=client.pk)
    if still.erased_at is not None or set(_current(client).values_list("standing_id", flat=True)) != today:
        raise Refusals([Refusal("client", "was changed by somebody else just now", "look again, then try once more")])
    return {
        channel: standings.strictest((row for row in rows if row.pk in ids), hers=today) for channel, ids in new.items()
    }


def _current(client: Client) -> QuerySet[Contact]:
    return Contact.objects.filter(client=client, valid_to__isnull=True).select_related("standing").order_by("pk")


def _renew(checked: Checked, contact: Contact, row: Standing, changed: Changed, now: datetime) -> None:
    """The address stays, its consents are given again: their confirmation goes again before anything else (rule 6)."""
    channel = Channel(row.channel)
    if not any(each.affirmed and each.channel == channel for each in checked.file.consents):
        name = "phone" if channel == Channel.SMS else "email"
        mend = "leave it out, or add consents to renew them"
        raise Refusals([Refusal(name, "is the client's address already", mend)])
    opening = Q(client=checked.client, standing=row, kind__in=OPENING)
    changed.cancelled += cancel(which=opening, reason=REASON, actor=checked.by, now=now)
    _agree(checked, contact, row, [], changed, now)


def _move(checked: Checked, old: Contact | None, row: Standing, changed: Changed, now: datetime) -> None:
    had = _close(checked, old, changed, now) if old is not None else []
    written = checked.addresses[Channel(row.channel)]
    contact = new_contact(checked.client, row, written, checked.file.holder, now)
    if row.channel == Channel.SMS:
        _read_clocks(checked.client, written[0])
    search.readdress(checked.client, channel=Channel(row.channel), address=written[1])
    say_if_held(checked.client, row, now)
    _agree(checked, contact, row, had, changed, now)


def _read_clocks(client: Client, number: str) -> None:
    """Another number may be in other zones: where hers is not known, those count from now on (rule 47)."""
    own = client.zone if client.zone_is_known else ""
    _, *others = clocks(own, client.zone, number)
    client.other_clocks = " ".join(others)
    client.save(update_fields=["other_clocks"])


def _close(checked: Checked, old: Contact, changed: Changed, now: datetime) -> list[Purpose]:
    """End the old address for this client alone; which purposes lived there. What suppresses it stays (rule 34)."""
    row, client = old.standing, checked.client
    alive = list(Grant.objects.filter(standing=row, client=client).exclude(state__in=ENDED).order_by("pk"))
    acts = [
        ledger.ConsentAct(
            client_id=client.pk, purpose=Purpose(grant.purpose), act=Act.CLOSED, method=REASON, happened_at=now,
            zone=client.zone, recorded_by=checked.by,
        )
        for grant in alive
    ]  # fmt: skip
    if acts:
        ledger.write(row, acts, now=now)
    row.changed_at = now
    row.save(update_fields=["changed_at"])
    Contact.objects.filter(pk=old.pk).update(valid_to=now)
    changed.closed += len(acts)
    changed.cancelled += cancel(which=Q(client=client, standing=row), reason=REASON, actor=checked.by, now=now)
    return [Purpose(grant.purpose) for grant in alive if grant.state in (GrantState.ACTIVE, GrantState.PENDING)]


def _agree(
    checked: Checked, contact: Contact, row: Standing, had: list[Purpose], changed: Changed, now: datetime
) -> None:
    """What the form agreed to, else the question about what was agreed to before, else a task and silence."""
    client, channel = checked.client, Channel(row.channel)
    written = checked.addresses[channel]
    form = Form(
        consents=checked.file.consents, wordings=checked.wordings, written=written,
        name=sealed.unseal(client.name_sealed, "client.name") if client.name_sealed else "",
        holder=checked.file.holder, by=checked.by,
    )  # fmt: skip
    asks = give(client, row, form, now=now)
    if not any(each.affirmed and each.channel == channel for each in form.consents):
        asks = _ask_about(checked, row, [each for each in had if each is not Purpose.MARKETING], now)
        if not asks:
            changed.silent.append(channel)
            _ask_staff(client, contact, now)
            return
    if asks:
        ask(contact, address=written[0], now=now)
        changed.asked.append(channel)
    changed.planned += go_on(contact, reason=REASON, now=now)


def _ask_about(checked: Checked, row: Standing, purposes: list[Purpose], now: datetime) -> bool:
    """Let what she had agreed to wait for one yes at the new address; never offers, which need a form (rule 13)."""
    client, channel = checked.client, Channel(row.channel)
    asks = channel in client.clinic.double_opt_in and has_question(client.clinic, channel, version=None, now=now)
    if not (asks and purposes):
        return False
    acts = ask_acts(purposes, client_id=client.pk, zone=client.zone, by=checked.by, happened_at=now)
    ledger.write(row, acts, now=now)
    return True


def _ask_staff(client: Client, contact: Contact, now: datetime) -> None:
    open_task(
        clinic_id=client.clinic_id, client_id=client.pk, kind="ask_consent", cause=f"ask_consent:contact:{contact.pk}",
        facts={"channel": contact.channel, "contact": contact.pk}, now=now,
    )  # fmt: skip
