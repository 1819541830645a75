"""One client's consent as a file that stands by itself: what was shown, agreed, sent and stopped, with its proof.

Made in three steps, for a signature must come after what it covers: the contents are read and the making is put on
record; the chain's head is published; then the file is put together and signed (P8, rules 2, 67, 142).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction

from worker import heads, sealed
from worker.actions.clients import find
from worker.actions.privacy.dossier_pages import pages
from worker.actions.privacy.erase import known
from worker.actions.privacy.proof import proof
from worker.actions.record.audit import record
from worker.actions.record.heads import publish
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Client

FORMAT = "aftercare consent dossier 1"


@dataclass(frozen=True, slots=True)
class Dossier:
    """The file's content as JSON types, and whether HEADS_FILE has the head that it ends in."""

    said: dict[str, Any]
    kept: bool


def dossier(*, client_id: int, by: str, bodies: bool = False, now: datetime) -> Dossier:
    """Make one client's dossier; `by` is the email of one of her clinic's staff, or ""; `bodies` adds texts as sent.

    Raises Refusals for an unknown client, where a key is missing, and where the chain doesn't hold: a dossier that
    can't be checked would be worse than none.
    """
    client = known(client_id)
    actor = _actor(client, by)
    said = _begun(client, actor, bodies=bodies, now=now)
    published = publish(clinic=client.clinic, now=now)
    proved = proof(client, [each["row"] for each in said["consents"]], published.head)
    said = {"format": FORMAT, "made_at": now.isoformat(), "made_by": actor, **said, **proved}
    return Dossier({**said, "signature": heads.sign(FORMAT, said)}, published.kept)


def _actor(client: Client, by: str) -> str:
    staff = find.staff(by, clinic_id=client.clinic_id, roles=find.DESK, field="by") if by else None
    return f"staff:{staff.pk}" if staff else "command"


@transaction.atomic
def _begun(client: Client, actor: str, *, bodies: bool, now: datetime) -> dict[str, Any]:
    try:
        said = pages(client, bodies=bodies)
    except sealed.Unreadable as error:
        mend = "put the missing key back at the end of FIELD_KEYS"
        raise Refusals([Refusal("client", f"can't be read: {error}", mend)]) from None
    facts = {"consents": len(said["consents"]), "messages": len(said["messages"]), "bodies": bodies}
    record(
        clinic_id=client.clinic_id, kind="dossier", subject=f"client:{client.pk}", actor=actor, at=now, facts=facts,
        sealed=True,
    )  # fmt: skip
    return said
