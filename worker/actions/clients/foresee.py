"""What `enrol` would say to a row of a file, and what only a person at the desk may decide; read only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker import sealed
from worker.actions.clients.anothers import refuse_anothers
from worker.actions.clients.enrol import refuse_stopped, repeat_of, wants
from worker.actions.clients.enrol_check import check
from worker.actions.clients.erased import refuse_older
from worker.models import Standing

if TYPE_CHECKING:
    from datetime import datetime

    from worker.actions.clients.enrol_check import Checked
    from worker.actions.clients.find import Remembered
    from worker.intake.client import ClientFile
    from worker.rules.names import Channel


def foresee(file: ClientFile, *, now: datetime, look: Remembered | None = None) -> bool:
    """True when the very same file was enrolled before, so that nothing would change.

    `look` remembers what many files of one clinic have in common. Raises Refusals as `enrol`, and for an address that
    another client has.
    """
    checked = check(file, now, look)
    if repeat_of(checked) is not None:
        return True
    wanted = [channel for channel in checked.addresses if wants(file, channel)]
    found = {channel: rows for channel in wanted if (rows := _rows(checked, channel))}
    refuse_stopped({channel: rows[0] for channel, rows in found.items()})
    if found:  # an erased client's address has a row: where there is none, a question less for each row of a file
        refuse_older(checked.clinic, checked.addresses, file.consents)
    refuse_anothers(found, external_id=file.external_id)
    return False


def _rows(checked: Checked, channel: Channel) -> list[Standing]:
    """All rows of the address (`consent.twins`), one that is stopped first: it is the one that `enrol` asks (P2)."""
    normal = checked.addresses[channel][1]
    digests = [made.digest for made in sealed.fingerprints(checked.clinic.pk, channel, normal)]
    rows = Standing.objects.filter(clinic=checked.clinic, channel=channel, fingerprint__in=digests)
    return sorted(rows.order_by("pk"), key=lambda row: row.suppressed_at is None)
