"""Check the chains: every sealed row still there and unchanged, every standing what its ledger says (P8, rule 2)."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from worker.models import Clinic, ConsentEvent, Grant, Seal, Standing, Suppression
from worker.models.chain import START, next_head, row_hash, table_of
from worker.models.consent import Act
from worker.models.standing import GrantState

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 1000


def faults() -> list[str]:
    """Every fault, each naming the row; empty when all chains and standings are true."""
    found: list[str] = []
    for clinic_id, slug in Clinic.objects.order_by("pk").values_list("pk", "slug"):
        found += (f"{slug}: {fault}" for fault in _chain(clinic_id))
        found += (f"{slug}: {fault}" for fault in _standings(clinic_id))
    return found


def _chain(clinic_id: int) -> Iterator[str]:
    head, number = START, 0
    for seal in Seal.objects.filter(clinic_id=clinic_id).order_by("number").iterator(PAGE):
        number += 1
        if seal.number != number:
            yield f"seal {number} is missing"
            number = seal.number
        row = table_of(seal.table).objects.filter(pk=seal.row_id).first()
        if row is None:
            yield f"{seal.table} row {seal.row_id} was removed"
        elif row_hash(row) != seal.row_sha256:
            yield f"{seal.table} row {seal.row_id} was changed"
        head = next_head(head, seal.number, seal.table, seal.row_id, seal.row_sha256)
        if head != seal.head:
            yield f"seal {seal.number} does not follow from the one before"
            head = seal.head
    unsealed = ConsentEvent.objects.filter(clinic_id=clinic_id).exclude(
        pk__in=Seal.objects.filter(clinic_id=clinic_id, table="consent").values("row_id")
    )
    for pk in unsealed.values_list("pk", flat=True):
        yield f"consent row {pk} was inserted outside the chain"


def _standings(clinic_id: int) -> Iterator[str]:
    """A grant is active exactly when the newest act about it gave or restored it; suppressed as its rows say."""
    acts = ConsentEvent.objects.filter(clinic_id=clinic_id, client_id__isnull=False).exclude(act=Act.CONFIRMED)
    keyed = acts.order_by("standing_id", "client_id", "purpose", "pk").values_list(
        "standing_id", "client_id", "purpose", "act"
    )
    grants = {
        (grant.standing_id, grant.client_id, grant.purpose): grant.state
        for grant in Grant.objects.filter(standing__clinic_id=clinic_id)
    }
    for key, several in groupby(keyed, key=lambda row: row[:3]):
        given = list(several)[-1][3] in (Act.GIVEN, Act.RESTORED)
        if not given and grants.get(key) == GrantState.ACTIVE:
            yield f"standing {key[0]} says active where the ledger says no ({key[2]}, client {key[1]})"
    known = set(acts.values_list("standing_id", "client_id", "purpose"))
    for key, state in grants.items():
        if state == GrantState.ACTIVE and key not in known:
            yield f"standing {key[0]} says active without any consent on record ({key[2]}, client {key[1]})"
    stopped = set(
        Suppression.objects.filter(clinic_id=clinic_id, lifted_at__isnull=True).values_list("standing_id", flat=True)
    )
    for pk, since in Standing.objects.filter(clinic_id=clinic_id).values_list("pk", "suppressed_at"):
        if (since is not None) != (pk in stopped):
            yield f"standing {pk} and its suppressions disagree"
