"""What waits for a person, in plain words, the most pressing first (P5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import F

from worker.models import StaffTask

if TYPE_CHECKING:
    from datetime import datetime

MANY = 1000
PLAIN = {
    "address_twice": "one address had two records: look at what each said, then `aftercare release`",
    "another_time": "asks for another time: call the client, and move the visit",
    "asks_for_call": "asked on her care page to be called",
    "ask_consent": "ask the client whether she agrees to messages",
    "cancel_or_stop": "wrote CANCEL: the texts have ended; ask whether the visit is meant, it is still booked",
    "contradiction": "two treatments ask opposite things of the client: a practitioner decides by `aftercare settle`",
    "copy_not_deleted": "a copy at the provider could not be deleted; ask its support",
    "feed_silent": "a calendar has told us nothing for long: look whether it still runs; reminders wait for it",
    "hand_over": "this instruction can't be sent any more: hand it over by phone",
    "hand_over_after_stop": "said stop: hand over by phone what now will not come",
    "held_address": "was enrolled with an address that is on hold: look first, then `aftercare release`",
    "interval": "the next visit lies outside the weeks that the protocol names: check it with the practitioner",
    "ledger_drift": "the provider says she opted out, we did not know: look for a STOP that was lost",
    "mail_bounce": "mail to this address comes back: ask the client for a better one",
    "mail_complaint": "called a mail of ours spam: nothing more goes there; do not write by hand",
    "mail_soft_bounces": "mail to this address is refused again and again: ask the client for a better one",
    "missed_in_outage": "an outage made clients miss these steps: call them; `aftercare tasks --json` has their ids",
    "nobody_on_call": "URGENT: a warning sign came in and nobody on call could be told; see `aftercare on-call`",
    "not_sent": "a message could not be sent; `aftercare explain` says why",
    "optin_expired": "did not answer our question in time: ask whether she wants messages",
    "optin_failed": "the opt-in confirmation did not get through: her whole course waits for it",
    "provider_page_operator": "the provider refused by our fault or setting; an operator must look",
    "provider_reconfirm": "the number may have a new owner: ask the client for her consent again",
    "provider_review": "the provider reports trouble with this address: look, then `aftercare release`",
    "provider_staff_task": "this address can't be reached: ask the client for a better one",
    "provider_suppress": "the provider says that nothing may go there any more",
    "reconfirm": "the agreement is old or in doubt: ask the client for it again",
    "red_flag_checkin": "URGENT: a check-in names a warning sign; read it and call the client now",
    "red_flag_unanswered": "URGENT: nobody answered a warning sign in time; call the client now",
    "red_flag_reply": "URGENT: the reply names a warning sign; read it and call the client now",
    "start_reply": "wants messages again by START: check what she agreed to",
    "rang_twice": "the provider has this message twice: apologise, and tell the operator",
    "told_untrue": "a session was corrected or taken back, and what had left for it was not true: call the client",
    "unclear_reply": "a reply is unclear and the address on hold: read it, then `aftercare release` or `revoke`",
    "unknown_outcome": "nobody knows whether this message left: ask the client, then `aftercare unknown`",
    "visit_time": "the law changed the clock there: compare the visit with the calendar, and move it if need be",
    "whose_visit": "several clients share this phone and one answered a reminder: ask who",
    "whose_yes": "several clients share this phone and one said YES: ask who",
    "wrong_number_reply": "says it is the wrong number: ask the client for hers",
    "yes_reply": "said YES after a STOP, which opens nothing: ask whether she wants messages",
}


def listed(*, now: datetime, client_id: int | None = None, everything: bool = False) -> list[dict[str, Any]]:
    """Open tasks, or with `everything` those done as well; by due time, what has none last. Ages in seconds."""
    found = StaffTask.objects.select_related("clinic").order_by(F("due_at").asc(nulls_last=True), "opened_at", "pk")
    if not everything:
        found = found.filter(done_at__isnull=True)
    if client_id is not None:
        found = found.filter(client_id=client_id)
    return [_row(each, now) for each in found[:MANY]]


def _row(task: StaffTask, now: datetime) -> dict[str, Any]:
    return {
        "id": task.pk,
        "clinic": task.clinic.slug,
        "client": task.client_id,
        "kind": task.kind,
        "plain": PLAIN.get(task.kind, task.kind.replace("_", " ")),
        "facts": task.facts,
        "opened_at": task.opened_at.isoformat(),
        "due_at": task.due_at.isoformat() if task.due_at else None,
        "overdue": task.done_at is None and task.due_at is not None and task.due_at <= now,
        "age_seconds": (now - task.opened_at).total_seconds(),
        "done_at": task.done_at.isoformat() if task.done_at else None,
        "done_by": task.done_by,
    }
