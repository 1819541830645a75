"""What other messages mean for a batch: those that went lately, or were enough, or come first (P7, rules 50-52)."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from worker.actions.send import repeats
from worker.invitations import held_by_mail
from worker.models import Attempt
from worker.models.attempt import MAY_HAVE_LEFT
from worker.models.rows import among, fetch, moment
from worker.rules.names import MessageClass
from worker.rules.steps import OF_CALENDAR, Anchor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from worker.actions.send.prepared import Prepared

LATE = timedelta(hours=1)  # what is later met an outage: only then somebody looks whether something newer is due
_LEFT = ", ".join(repr(state.value) for state in MAY_HAVE_LEFT)
RECENT = (
    "SELECT standing_id, decided_at FROM aftercare_attempt WHERE {these} AND decided_at > %s "
    f"AND cls = '{MessageClass.COURSE}' AND state IN ({_LEFT}) "
    "ORDER BY decided_at"
)
WENT = ("sending", "accepted", "delivered", "undelivered", "unknown", "unresolved")
_WENT = (
    "FROM aftercare_message m JOIN aftercare_protocolversion v ON v.id = m.version_id WHERE {these} "
    f"AND m.cls = '{MessageClass.COURSE}' AND m.state IN ({', '.join(map(repr, WENT))}) "
)
COUNTED = f"SELECT m.standing_id, m.client_id, v.protocol_id, count(*) {_WENT} GROUP BY 1, 2, 3"
OF_SESSION = (
    f"SELECT m.standing_id, m.client_id, v.protocol_id, count(*) {_WENT} AND m.decided_at >= coalesce(("
    "SELECT max(t.performed_at) FROM aftercare_treatment t JOIN aftercare_protocolversion tv ON tv.id = t.version_id "
    "WHERE t.client_id = m.client_id AND tv.protocol_id = v.protocol_id AND t.voided_at IS NULL "
    "AND t.performed_at <= %s), m.decided_at) GROUP BY 1, 2, 3"
)
"""A session begins with its treatment: what is promised is a number a session."""
NEWER = (
    "SELECT DISTINCT m.id FROM aftercare_message m "
    "JOIN aftercare_message n ON n.standing_id = m.standing_id AND n.id <> m.id AND n.state = 'planned' "
    f"AND n.cls = '{MessageClass.COURSE}' AND n.wall_time > m.wall_time "
    "JOIN aftercare_ready r ON r.message_id = n.id AND r.due_at <= %s WHERE {these}"
)


def newest_first(batch: Sequence[Prepared]) -> list[Prepared]:
    """The order of decisions: of two messages to one address the one meant for later is decided first (rule 50)."""
    return sorted(batch, key=lambda each: (each.row["wall_time"], each.pk), reverse=True)


class Others:
    """Read once for the course messages of a batch, under the lock of their standing rows."""

    def __init__(self, batch: Sequence[Prepared], now: datetime) -> None:
        """Four statements at most, two only after an outage or for who has had many, one for what goes once more."""
        standings = {each.row["standing_id"] for each in batch}
        self.recent = _recent(standings, now)
        self.outdone = _outdone([each for each in batch if each.row["due_at"] <= now - LATE], now)
        self.needless = {each.pk for each in batch if (each.instead_of and _went(each)) or _is_known(each)}
        self.needless |= repeats.needless([each.pk for each in batch if each.row["resend"]])
        self._counts = _counts(batch, standings, now)

    def goes(self, each: Prepared, now: datetime) -> None:
        """Count a message that just got its Go for the rest of the batch."""
        self.recent[each.row["standing_id"]].append(now)
        self._counts[_session(each)] += 1

    def is_spent(self, each: Prepared) -> bool:
        """True when the number that was promised at opt-in is reached (rule 52)."""
        return 0 < each.promised <= self._counts[_session(each)]


def _session(each: Prepared) -> tuple[int, int, int]:
    return each.row["standing_id"], each.row["client_id"], each.row["version__protocol_id"]


def _recent(standing_ids: set[int], now: datetime) -> dict[int, list[datetime]]:
    recent: dict[int, list[datetime]] = defaultdict(list)
    if standing_ids:
        these, ids = among("standing_id", standing_ids)
        for standing_id, at in fetch(RECENT.format(these=these), [*ids, now - timedelta(days=7)]):
            recent[standing_id].append(moment(at))
    return recent


def _counts(batch: Sequence[Prepared], standing_ids: set[int], now: datetime) -> dict[tuple[int, int, int], int]:
    """How many went, by address, client and protocol; of the session alone where it matters."""
    counts: dict[tuple[int, int, int], int] = defaultdict(int)
    if not standing_ids:
        return counts
    these, ids = among("m.standing_id", standing_ids)
    counts.update({(row[0], row[1], row[2]): row[3] for row in fetch(COUNTED.format(these=these), ids)})
    many = {each.row["standing_id"] for each in batch if 0 < each.promised <= counts[_session(each)]}
    if many:
        these, ids = among("m.standing_id", many)
        counts.update(dict.fromkeys((key for key in counts if key[0] in many), 0))
        counts.update({(row[0], row[1], row[2]): row[3] for row in fetch(OF_SESSION.format(these=these), [*ids, now])})
    return counts


def _outdone(late: Sequence[Prepared], now: datetime) -> set[int]:
    """The late messages to whose address a message meant for later is due by now."""
    if not late:
        return set()
    these, ids = among("m.id", [each.pk for each in late])
    return {row[0] for row in fetch(NEWER.format(these=these), [now, *ids])}


def _is_known(each: Prepared) -> bool:
    """Whether her calendar says already what this mail would tell it, or never got an entry that could be untrue."""
    kind = each.row["kind"]
    if kind not in OF_CALENDAR:
        return False
    return held_by_mail(each.row["appointment_id"]) in (None, (each.row["generation"], kind == Anchor.CANCELLATION))


def _went(each: Prepared) -> bool:
    """Whether the step that this one stands in for may have rung, for the same session and by the same channel."""
    rang = Attempt.objects.filter(
        state__in=MAY_HAVE_LEFT,
        message__client_id=each.row["client_id"],
        message__channel=each.channel,
        message__step__code=each.instead_of,
        message__treatment_id=each.row["treatment_id"],
        message__appointment_id=each.row["appointment_id"],
    )
    return rang.exists()
