"""The proof in a dossier: the sealed rows of the record, and the links from each to the next published head (P8)."""

from __future__ import annotations

import json
from bisect import bisect_left
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Q

from worker import heads
from worker.actions.privacy.dossier_pages import sent
from worker.models import Contact, Event, Seal, Staff
from worker.models.chain import START, canonical, next_head
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from worker.heads import Head
    from worker.models import Client


def proof(client: Client, consents: list[dict[str, Any]], head: Head) -> dict[str, Any]:
    """The record, its links and the public keys, as far as `head` reaches; what came after it is not in the dossier.

    `consents` are the rows of the ledger that the dossier shows. Raises Refusals where a link is broken.
    """
    events = _events(client)
    sealed = _numbers(client, "consent", [each["id"] for each in consents])
    known = _numbers(client, "event", [each.pk for each in events])
    events = [each for each in events if known.get(each.pk, head.seal + 1) <= head.seal]
    if len(sealed) != len(consents):
        raise _broken()
    numbers = sorted([*sealed.values(), *(known[each.pk] for each in events)])
    chain = _chain(client, numbers, [*_published(client.clinic.slug), head])
    ours = heads.public_keys()
    newest = next(iter(ours))
    used = {newest, *(each["head"]["key"] for each in chain)}
    actors = {each["recorded_by"] for each in consents} | {each.actor for each in events}
    return {
        "record": [{"row": json.loads(canonical(each))} for each in events],
        "staff": _staff(client.clinic_id, actors),
        "chain": chain,
        "keys": {name: key for name, key in ours.items() if name in used},
        "key": newest,
    }


def _events(client: Client) -> list[Event]:
    """What was decided about her, about an address that is hers alone, and the approvals behind what was sent."""
    messages = sent(client)
    subjects = {f"client:{client.pk}", *(f"message:{each.pk}" for each in messages)}
    contacts = Contact.objects.filter(client=client)
    shared = Contact.objects.exclude(client=client).values("standing_id")
    alone = contacts.exclude(standing_id__in=shared).values_list("standing_id", flat=True)
    subjects |= {f"standing:{standing_id}" for standing_id in alone}
    versions = {f"version:{each.version_id}" for each in messages}
    about = Q(subject__in=subjects) | Q(subject__in=versions, kind__in=("approved", "withdrawn"))
    return list(Event.objects.filter(about, clinic_id=client.clinic_id).order_by("pk"))


def _staff(clinic_id: int, actors: set[str]) -> dict[str, str]:
    """Who stands behind staff:12."""
    ids = [int(each.partition(":")[2]) for each in actors if each.startswith("staff:")]
    people = Staff.objects.filter(clinic_id=clinic_id, pk__in=ids).order_by("pk")
    return {
        f"staff:{each.pk}": f"{each.name}, licence {each.licence}" if each.licence else each.name for each in people
    }


def _published(slug: str) -> list[Head]:
    """What HEADS_FILE has of this clinic; without the file the newest head alone must do."""
    try:
        return heads.of_clinic(Path(settings.HEADS_FILE), heads.public_keys(), slug)
    except OSError:
        return []


def _chain(client: Client, numbers: list[int], several: list[Head]) -> list[dict[str, Any]]:
    """For each head that is needed, the links from the first of her rows that it covers."""
    several.sort(key=lambda each: each.seal)
    starts: dict[int, int] = {}
    for number in numbers:
        at = bisect_left(several, number, key=lambda each: each.seal)
        if at == len(several):
            raise _broken()
        starts[at] = min(number, starts.get(at, number))
    return [_segment(client.clinic_id, first, several[at]) for at, first in sorted(starts.items())]


def _numbers(client: Client, table: str, ids: list[int]) -> dict[int, int]:
    """The seal's number of each row."""
    seals = Seal.objects.filter(clinic_id=client.clinic_id, table=table, row_id__in=ids)
    return dict(seals.values_list("row_id", "number"))


def _segment(clinic_id: int, first: int, head: Head) -> dict[str, Any]:
    seals = Seal.objects.filter(clinic_id=clinic_id)
    before = seals.filter(number=first - 1).values_list("head", flat=True).first() or START
    links = list(
        seals.filter(number__gte=first, number__lte=head.seal)
        .order_by("number")
        .values_list("table", "row_id", "row_sha256")
    )
    reached = before
    for number, (table, row_id, digest) in enumerate(links, start=first):
        reached = next_head(reached, number, table, row_id, digest)
    if reached != head.head:
        raise _broken()
    return {"first": first, "before": before, "links": [list(each) for each in links], "head": head.as_json()}


def _broken() -> Refusals:
    return Refusals([Refusal("record", "does not hold against its published heads", "run: aftercare verify")])
