"""P2 under every order of steps: whoever comes first, nothing of a scope is decided after its end has committed.

Two actors are taken through the orders with at most two changes of turn, and through a moment in which the worker is
frozen; three and four by lot, under seeds that are always the same. `make soak-orders` takes more of both.
"""

from __future__ import annotations

import pytest
from django.db import connection

from tests.interleaving import people
from tests.interleaving.conftest import MORE
from tests.interleaving.trial import BEAT, OTHER, OTHER_BEAT, REVOCATION, TICK, WORKER, by_lot, in_turns

TO_THE_END = 10_000
# A statement costs PostgreSQL three times as much; what is spared there is steps of the revocation, never the worker's.
APART = max(1, (30 if connection.vendor == "sqlite" else 100) // MORE)  # between those of a revocation that are tried
SEEDS = (40 if connection.vendor == "sqlite" else 20) * MORE
CASTS = {
    "one address, two workers": {"cast": (WORKER, OTHER, REVOCATION)},
    "several addresses, two workers": {"cast": (WORKER, OTHER, REVOCATION), "size": 3},
    "one phone, two people": {"cast": (WORKER, OTHER, REVOCATION), "size": 3, "shared": 1},
    "a doubled beat": {"cast": (WORKER, BEAT, OTHER_BEAT, REVOCATION), "size": 2},
}


def lengths(trial, revoke):
    """How many steps both take when neither comes between the other's."""
    trial.run(revoke, in_turns((WORKER, TO_THE_END), (REVOCATION, TO_THE_END)))
    names = [name for name, _ in trial.stage.played]
    return names.count(WORKER), names.count(REVOCATION)


@pytest.mark.parametrize("trial", [1200], indirect=True)
def test_every_order_of_a_worker_and_a_revocation(trial):
    """Rules 19, 144: the worker stopped before each of its steps, and the revocation before each of its own."""
    for revoke in people.EVERY.values():
        mine, theirs = lengths(trial, revoke)
        for at in range(mine + 1):
            trial.run(revoke, in_turns((WORKER, at), (REVOCATION, TO_THE_END)))
            trial.run(revoke, in_turns((WORKER, at), (TICK, 1.05), (REVOCATION, TO_THE_END)))
            for between in range(1 + at % APART, theirs, APART):
                trial.run(revoke, in_turns((REVOCATION, between), (WORKER, at), (REVOCATION, TO_THE_END)))
                trial.run(revoke, in_turns((WORKER, at), (REVOCATION, between), (WORKER, TO_THE_END)))
    assert trial.found == []


@pytest.mark.parametrize("trial", [400], indirect=True)
def test_several_at_once_by_lot(trial):
    """Rules 19, 134: two workers, doubled beats, batches of several addresses, one phone for two people (P4, P5)."""
    for number, made_of in enumerate(CASTS.values()):
        for seed in range(SEEDS):
            revoke = list(people.EVERY.values())[seed % len(people.EVERY)]
            trial.run(revoke, by_lot(1000 * number + seed), **made_of)
    assert trial.found == []
