"""Are the keys at hand under which the database was written? With others it looks well until a text should go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker import sealed
from worker.models import ClientSearch, Standing
from worker.models.sealed_columns import KEY_ID, SEALED
from worker.reading.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from worker.models.sealed_columns import Column

FEW = 3  # values from each end of a column: a rotation leaves the oldest under the old key, a slip seals the newest
WHERE = "the copy of the keys that lies beside the backup; embedded: keys.json in AFTERCARE_HOME"


def fingerprint_keys() -> Iterator[Finding]:
    """Each row of an address names the key that made its fingerprint."""
    used = {key_id for model in (Standing, ClientSearch) for key_id in _named(model)}
    lost = used - {made.key_id for made in sealed.fingerprints(0, "sms", "")}
    mend = f"put the key back at the end of FINGERPRINT_KEYS ({WHERE}): a STOP may hide behind it"
    says = f"missing: {_ids(lost)}, which addresses were written under" if lost else "every key in use is at hand"
    yield Finding("FINGERPRINT_KEYS", ok=not lost, says=says, mend=mend)


def _named(model: type[Standing | ClientSearch]) -> set[str]:
    return set(model.objects.order_by().values_list("key_id", flat=True).distinct())


def field_keys() -> Iterator[Finding]:
    """The first and last few values of each column are opened, and never said (P9).

    Enough to find a wrong list, and quick above a million rows; `aftercare rotate-keys` looks at all.
    """
    lost: dict[str, set[str]] = {}
    altered: set[str] = set()
    looked = 0
    for column in SEALED:
        for value in _ends(column):
            looked += 1
            try:
                sealed.unseal(value, column.context)
            except sealed.MissingKey:
                lost.setdefault(value[:KEY_ID].hex(), set()).add(str(column))
            except sealed.Unreadable:
                altered.add(str(column))
    yield _field_key(lost, looked)
    if altered:
        says = f"the key is at hand and does not open them: altered or cut short in {', '.join(sorted(altered))}"
        mend = "ask aftercare rotate-keys which rows, and restore these from a backup"
        yield Finding("sealed values", ok=False, says=says, mend=mend)


def _field_key(lost: dict[str, set[str]], looked: int) -> Finding:
    columns = ", ".join(sorted(set().union(*lost.values())))
    says = f"each of {looked} value(s) that were tried opens" if looked else "nothing is sealed yet"
    says = f"missing: {_ids(lost)}, without which nobody reads {columns}" if lost else says
    mend = f"put the key back at the end of FIELD_KEYS ({WHERE}): no text leaves to whom it was written under it"
    return Finding("FIELD_KEYS", ok=not lost, says=says, mend=mend)


def _ends(column: Column) -> list[bytes]:
    """The oldest and the newest values; of a short column, each once."""
    found: dict[int, bytes] = {}
    for order in ("pk", "-pk"):
        found |= dict(column.filled().order_by(order).values_list("pk", column.name)[:FEW])
    return [bytes(each) for each in found.values()]


def _ids(keys: Iterable[str]) -> str:
    return f"key {', '.join(sorted(keys))}"
