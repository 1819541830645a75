"""Bring everything stored under the newest keys, and say which old keys are still needed (rule 61)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from worker.actions.privacy import rekey, reseal
from worker.actions.privacy.keys import Key, all_keys
from worker.actions.record.audit import record
from worker.models.sealed_columns import SEALED
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

BATCH, LARGEST_BATCH = 200, 2000
ROUNDS = 5  # more than one only where rows were locked, or a process that still has the old list goes on writing
EXAMPLES = 20
INSTALLATION = 0  # the clinic id of what concerns all clinics


@dataclass(slots=True)
class Rotation:
    """What a run did and what is left; `examples` name rows that can't be read, never what is in them."""

    resealed: dict[str, int] = field(default_factory=dict)
    rekeyed: int = 0
    reindexed: int = 0
    unreadable: int = 0
    examples: list[str] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """False when something stored can't be read, or found, with the keys at hand."""
        return not self.unreadable and not any(key.missing for key in self.keys)

    def as_json(self) -> dict[str, Any]:
        """The run for machines."""
        return {"ok": self.ok, **asdict(self)}


def rotate(*, batch: int = BATCH, now: datetime, tell: Callable[[str], None]) -> Rotation:
    """Seal and fingerprint everything under the newest keys, in batches; `tell` gets a line of progress after each.

    It may be killed and started again at any point: what is under the newest key is passed over. Run it after every
    process was restarted with the new lists. Raises Refusals for a batch that is no useful size.
    """
    if not 1 <= batch <= LARGEST_BATCH:
        mend = f"between 1 and {LARGEST_BATCH}; leave it out for {BATCH}"
        raise Refusals([Refusal("batch", "is no useful size", mend)])
    done = Rotation()
    for _ in range(ROUNDS):
        if not _round(done, batch, now, tell):
            break
    done.keys = all_keys()
    changed = {**done.resealed, "standing": done.rekeyed, "clientsearch": done.reindexed}
    if any(changed.values()):
        facts = {name: count for name, count in changed.items() if count}
        record(
            clinic_id=INSTALLATION, kind="keys_rotated", subject="installation", actor="command", at=now, facts=facts
        )
    return done


def _round(done: Rotation, batch: int, now: datetime, tell: Callable[[str], None]) -> int:
    """One pass over everything; how many values it turned."""
    done.unreadable, done.examples = 0, []
    turned = 0
    for column in SEALED:
        left = reseal.waiting(column)
        for count, unreadable in reseal.reseal(column, batch=batch):
            turned, left = turned + count, max(0, left - count)
            done.resealed[str(column)] = done.resealed.get(str(column), 0) + count
            _note(done, unreadable)
            tell(f"{column}: {count} sealed anew, {left} to go")
    return turned + _fingerprints(done, batch, now, tell)


def _fingerprints(done: Rotation, batch: int, now: datetime, tell: Callable[[str], None]) -> int:
    turned = 0
    left = rekey.standings_waiting().count()
    for count in rekey.rekey_standings(batch=batch, now=now):
        turned, left = turned + count, max(0, left - count)
        done.rekeyed += count
        tell(f"standing.fingerprint: {count} written anew, {left} to go")
    for count, unreadable in rekey.rekey_search(batch=batch):
        turned += count
        done.reindexed += count
        _note(done, unreadable)
        tell(f"clientsearch.digest: {count} client(s) written anew")
    return turned


def _note(done: Rotation, unreadable: list[str]) -> None:
    done.unreadable += len(unreadable)
    done.examples = (done.examples + unreadable)[:EXAMPLES]
