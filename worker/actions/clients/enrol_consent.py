"""What a form says about consent, written into the ledger with its evidence (rules 2, 7, 15)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from worker.actions.consent import ledger
from worker.actions.consent.optin import ask_acts
from worker.rules.consent import Act
from worker.rules.names import Purpose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from worker.intake.client import ConsentShape, ProxyShape, SignatureShape
    from worker.models import Client, Standing, Wording


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form as somebody typed it in: what was agreed to, in which words, for which address, and whose that is.

    `written` is the address for sending, for the fingerprint and as written; `by` is "staff:12".
    """

    consents: Sequence[ConsentShape]
    wordings: Mapping[str, Wording]
    written: tuple[str, str, str]
    name: str
    holder: ProxyShape | None
    by: str
    signature: SignatureShape | None = None


def give(client: Client, row: Standing, form: Form, *, now: datetime) -> bool:
    """Write each yes for the row's channel; True when they wait for the client's own yes. The caller holds the lock."""
    given = [each for each in form.consents if each.affirmed and each.channel == row.channel]
    acts = [_act(client, form, each) for each in given]
    asks = bool(given) and row.channel in client.clinic.double_opt_in
    if asks:
        purposes = [Purpose(each.purpose) for each in given]
        acts += ask_acts(purposes, client_id=client.pk, zone=client.zone, by=form.by, happened_at=now)
    if acts:
        ledger.write(row, acts, now=now)
    return asks


def _act(client: Client, form: Form, consent: ConsentShape) -> ledger.ConsentAct:
    wording = form.wordings[consent.wording]
    address, _, raw = form.written
    evidence: dict[str, Any] = {"address": address, "as_written": raw, "name": form.name}
    if form.holder:
        evidence["holder"] = form.holder.model_dump()
    if form.signature:
        evidence["signature"] = form.signature.model_dump(mode="json")
    return ledger.ConsentAct(
        client_id=client.pk,
        purpose=Purpose(consent.purpose),
        act=Act.GIVEN,
        method=consent.method,
        happened_at=consent.given_at,
        zone=client.zone,
        recorded_by=form.by,
        wording=wording,
        language=wording.language,
        source=consent.source,
        evidence=evidence,
    )
