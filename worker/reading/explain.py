"""Why a message was or was not sent, told from what was recorded then, not worked out anew (P8)."""

from __future__ import annotations

from typing import Any

from worker.models import Attempt, Event, Message, Receipt
from worker.rules.refusal import Refusal, Refusals

PLAIN = {
    "sent": "every gate said yes, and it was handed to the provider",
    "too_late": "its useful time was over",
    "no_consent": "the client never agreed to this on that channel",
    "consent_pending": "the client's agreement is not confirmed yet",
    "revoked": "the client said stop",
    "consent_expired": "the client's agreement had run out",
    "needs_reconfirmation": "the agreement needs to be confirmed again",
    "suppressed": "this address may not be written to",
    "on_hold": "a reply was unclear, and a person has to look first",
    "conversation_open": "the client and the clinic were speaking with each other",
    "awaiting_optin_confirmation": "the opt-in confirmation had not reached the provider yet",
    "not_approved": "no practitioner has approved this text",
    "approval_withdrawn": "the practitioner withdrew the approval",
    "approval_expired": "the approval was past its review date",
    "text_differs_from_approved": "the text is not the one that was approved",
    "superseded": "the visit or treatment it spoke of was changed",
    "paused": "sending was paused",
    "quiet_hours": "the hour did not allow it",
    "frequency_cap": "the client had enough messages for now",
    "no_sender": "the clinic has no sender for that channel",
    "cannot_render": "the text could not be made",
    "too_long": "the text was too long",
    "erased": "the client's data were erased",
    "contact_changed": "the client has another address now",
    "zone_told": "where the client lives became known, and what was to come was planned anew on her clock",
    "answered_already": "the question was answered, or no longer stands",
    "its_workers_died": "its workers died again and again; a person has to look",
    "stands_in_for_undelivered": "it stands in for a message that could not be delivered on the other channel",
    "fell_back": "it could not be delivered, so the step goes by the other channel once",
    "circuit_probe": "it was the one that tried whether the provider takes this sender again",
    "rate_limit": "as many as its sender may send were on their way; it waits for its turn",
    "provider_asked_for_a_rest": "the provider had too much for the moment, and everything of that sender waits",
    "no_address": "there is no readable address",
    "worker_silent": "the worker fell silent during the call: nobody knows yet whether it left",
    "given_up": "an operator gave it up",
    "not_listed": "the provider's own list does not show it; it is asked once more before anything follows",
    "found": "the provider's own list shows it",
    "late_answer": "the worker's answer came after all: it had left",
    "proved_absent": "it is proved that it never left",
    "absent_but_a_reminder": "it never left, but a reminder is not repeated by itself: a person decides",
    "absent_for_the_second_time": "it never left, for the second time: a person decides",
    "its_worker_may_live": "nobody can prove that its worker has ended, so it is not repeated: a person decides",
    "list_not_readable": "the provider's list could not be read: a person decides",
    "no_list_to_ask": "a mail server keeps no list: whether it took the mail, nobody can know; a person decides",
    "no_address_to_ask_for": "there is no readable address to ask the provider for: a person decides",
    "appointment_moved": "the visit was moved",
    "appointment_cancelled": "the visit was cancelled",
    "appointment_reopened": "the visit was taken up again",
    "appointment_missed": "the client did not come",
    "appointment_done": "the visit has taken place",
    "appointment_booked": "a visit was booked, so there was nothing to ask",
    "newer_treatment": "another session was done since, and its aftercare counts",
    "treatment_corrected": "the session was at another time, and its aftercare was planned anew",
    "treatment_void": "the session was taken back",
    "read_before": "she had it already, for a session that was taken back",
    "version_changed": "the practitioner let the course go on under a new version",
    "went_in_time": "what it would say, or the step that it stands in for, went by itself",
    "newer_goes_first": "something newer was due as well, and went first",
    "promised_number_reached": "the client has had as many messages as she was promised for this session",
    "contradiction": "it contradicts what another treatment asks of the client: a practitioner has to decide",
    "contradicted": "it contradicted another treatment, and the practitioner decided for that one",
    "merged": "another treatment's message says the same, more strictly",
    "calendar_silent": "the clinic's calendar had been silent for too long to trust the visit's time",
    "zone_data": "the law changed the clock where the client lives, and its hour was worked out anew",
}
"""Each has its Spanish in templates/locale/es/refusals.toml, for the desk's pages; the command line speaks English."""
REFUSED = "the provider refused it ({})"


def explained(message_id: int) -> dict[str, Any]:
    """One message's whole story: every decision, attempt and receipt with its moment. Raises Refusals."""
    message = Message.objects.select_related("step").filter(pk=message_id).first()
    if message is None:
        raise Refusals([Refusal("id", "is no message here", "see `aftercare messages`")])
    return {
        "id": message.pk,
        "step": message.step.code,
        "channel": message.channel,
        "state": message.state,
        "reason": message.reason,
        "plain": plain(message.reason),
        "decisions": [
            {"at": event.at.isoformat(), "code": event.code, "plain": plain(event.code), **event.facts}
            for event in Event.objects.filter(subject=f"message:{message.pk}").order_by("pk")
        ],
        "attempts": [_attempt(each) for each in Attempt.objects.filter(message=message).order_by("decided_at")],
    }


def plain(reason: str) -> str:
    """A reason as a sentence: "code:30007" is the provider's own, and what has no sentence stays as it is."""
    if reason.startswith("code:"):
        return REFUSED.format(reason.removeprefix("code:"))
    return PLAIN.get(reason, reason)


def _attempt(each: Attempt) -> dict[str, Any]:
    return {
        "id": each.pk.hex,
        "decided_at": each.decided_at.isoformat(),
        "state": each.state,
        "code": each.code,
        "provider_id": each.provider_id,
        "receipts": [
            {"at": receipt.received_at.isoformat(), "status": receipt.status, "code": receipt.code}
            for receipt in Receipt.objects.filter(attempt=each).order_by("pk")
        ],
    }
