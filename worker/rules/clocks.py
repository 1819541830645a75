"""On whose clocks a client's hours are read: her own, else every one that might be hers (rule 47)."""

from __future__ import annotations

from worker.rules.hours import zones_for
from worker.rules.local_time import zone
from worker.rules.phone import presumed_zones, zones_of


def clocks(own: str, clinic: str, e164: str) -> tuple[str, ...]:
    """The zones whose clocks must all agree before anything goes to her, by name; dates are told on the first.

    `own` is her zone, "" where it is not known: then the clinic's counts, and with it every zone that her number could
    be in, since an area code alone proves nothing. `e164` is her number, "" without one. Reads half a megabyte of
    prefixes: for an enrolment, never for a worker.

    Raises:
        Refusal: a zone is no place's; names the field.
    """
    known = zone(own) if own else None
    could_be = [zone(each) for each in zones_of(e164)] if e164 and not known else []
    presumed = [zone(each) for each in presumed_zones(e164)] if e164 else []
    return tuple(each.key for each in zones_for(known, zone(clinic), could_be, presumed=presumed))
