"""Which keys are still needed: what lies under each of them, and whether one may be dropped (rule 61)."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from worker.actions.privacy import rekey, reseal
from worker.models import ClientSearch, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a setting: what still needs it, and whether it may go. `missing`: in use, but not in the setting."""

    setting: str
    key_id: str
    uses: int
    newest: bool
    missing: bool
    may_be_dropped: bool
    says: str


def all_keys() -> list[Key]:
    """Every key of both settings, newest first, and after them those that are used and were dropped too early."""
    return [*_field_keys(), *_fingerprint_keys()]


def _field_keys() -> list[Key]:
    listed, used = reseal.key_ids(), reseal.in_use()
    found = [*listed, *(key_id for key_id in sorted(used) if key_id not in listed)]
    return [_field_key(key_id, used[key_id], listed) for key_id in found]


def _field_key(key_id: str, uses: int, listed: list[str]) -> Key:
    newest, missing = key_id == listed[0], key_id not in listed
    if missing:
        says = f"{uses} value(s) are sealed under it and can't be read; put it back at the end of FIELD_KEYS"
    elif newest:
        says = f"the newest; seals {uses} value(s)"
    elif uses:
        says = f"must stay: {uses} value(s) are still sealed under it; run rotate-keys again"
    else:
        says = "nothing uses it any more; it may be dropped (keep it beside the backups that were made under it)"
    return Key(
        setting="FIELD_KEYS", key_id=key_id, uses=uses, newest=newest, missing=missing, says=says,
        may_be_dropped=not (newest or missing or uses),
    )  # fmt: skip


def _fingerprint_keys() -> list[Key]:
    listed = rekey.key_ids()
    stopped = Count("pk", filter=Q(suppressed_at__isnull=False))
    rows = Standing.objects.values_list("key_id").annotate(all=Count("pk"), stopped=stopped).order_by()
    counts = {key_id: (total, suppressed) for key_id, total, suppressed in rows}
    searches = dict(ClientSearch.objects.values_list("key_id").annotate(Count("pk")).order_by())
    found = [*listed, *sorted((set(counts) | set(searches)) - set(listed))]
    return [_fingerprint_key(key_id, *counts.get(key_id, (0, 0)), searches.get(key_id, 0), listed) for key_id in found]


def _fingerprint_key(key_id: str, addresses: int, suppressions: int, searches: int, listed: list[str]) -> Key:
    newest, missing = key_id == listed[0], key_id not in listed
    used = f"{suppressions} suppression(s) and {addresses - suppressions} other address(es) use it"
    if missing:
        says = f"{used}, and nobody finds them; put it back at the end of FINGERPRINT_KEYS"
    elif newest:
        says = f"the newest; {used}"
    elif suppressions:
        says = f"must stay: {used}; without it a stop would be forgotten"
    elif addresses or searches:
        says = f"must stay: {used}, and {searches} search hash(es); without it the proof of consent can't be found"
    else:
        says = "nothing uses it any more; it may be dropped"
    return Key(
        setting="FINGERPRINT_KEYS", key_id=key_id, uses=addresses + searches, newest=newest, missing=missing, says=says,
        may_be_dropped=not (newest or missing or addresses or searches),
    )  # fmt: skip
