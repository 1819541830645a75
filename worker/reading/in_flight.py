"""What workers have in their hands: calls whose answer is not written, and claims that may still become calls (P4)."""

from __future__ import annotations

from worker.models import Attempt, Ready
from worker.models.attempt import AttemptState
from worker.models.rows import server_time


def in_flight() -> int:
    """How many messages; a claim counts until its lease ends, for a drain lets its worker finish it."""
    claims = Ready.objects.filter(free_at__gt=server_time()).exclude(worker="")
    return Attempt.objects.filter(state=AttemptState.SENDING).count() + claims.count()
