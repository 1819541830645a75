"""What waits for a person, as the desk says it: what happened, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from worker.reading.tasks import PLAIN

if TYPE_CHECKING:
    from django.utils.functional import Promise

URGENT = frozenset({"red_flag_reply", "red_flag_checkin", "red_flag_unanswered", "nobody_on_call"})
WORDS: dict[str, Promise] = {
    "address_twice": _("One address had two records. Look at what each said, then go on or end the messages."),
    "asks_for_call": _("Asked on her care page to be called."),
    "ask_consent": _("Ask her whether she agrees to messages."),
    "cancel_or_stop": _("Wrote CANCEL: the texts have ended, the visit still stands. Ask whether she meant the visit."),
    "copy_not_deleted": _("A copy at the provider could not be deleted. Ask its support."),
    "feed_silent": _("A calendar has told us nothing for long. Look whether it still runs; reminders wait for it."),
    "hand_over": _("This advice can't be sent any more. Hand it over by phone."),
    "hand_over_after_stop": _("Said stop. Hand over by phone what she now will not get."),
    "held_address": _("Enrolled with an address that is on hold. Look first, then go on."),
    "interval": _("The next visit lies outside the weeks that the protocol names. Check it with the practitioner."),
    "ledger_drift": _("The provider says she opted out, and we did not know. Look for a STOP that was lost."),
    "mail_bounce": _("Mail to this address comes back. Ask her for a better one."),
    "mail_complaint": _("Called a mail of ours spam. Nothing more goes there; do not write by hand."),
    "mail_soft_bounces": _("Mail to this address is refused again and again. Ask her for a better one."),
    "missed_in_outage": _("Clients missed messages in an outage. Ask your operator for the list, and call them."),
    "nobody_on_call": _(
        "URGENT: a warning sign came in, and nobody on call could be told. Call her, and see who is on call."
    ),
    "not_sent": _("A message could not be sent. Its page says why."),
    "optin_expired": _("Did not answer our question in time. Ask whether she wants messages."),
    "optin_failed": _("The first message did not get through, and her whole course waits for it."),
    "provider_page_operator": _("The provider refused by our fault or setting. An operator must look."),
    "provider_reconfirm": _("The number may have a new owner. Ask her for her consent again."),
    "provider_review": _("The provider reports trouble with this address. Look, then go on."),
    "provider_staff_task": _("This address can't be reached. Ask her for a better one."),
    "provider_suppress": _("The provider says that nothing may go there any more."),
    "reconfirm": _("The agreement is old or in doubt. Ask her for it again."),
    "red_flag_checkin": _("URGENT: a check-in names a warning sign. Read it and call her now."),
    "red_flag_unanswered": _("URGENT: nobody answered a warning sign in time. Call her now."),
    "red_flag_reply": _("URGENT: the reply names a warning sign. Read it and call her now."),
    "start_reply": _("Wants messages again by START. Check what she agreed to."),
    "told_untrue": _(
        "A session was corrected or taken back after messages had left for it. Call her: they were not true."
    ),
    "unclear_reply": _("A reply is unclear, and her messages are on hold. Read it, then go on or end them."),
    "visit_time": _("The law changed the clock there. Compare the visit with your calendar."),
    "whose_yes": _("Several clients share this phone and one said YES. Ask who."),
    "wrong_number_reply": _("Says it is the wrong number. Ask the client for hers."),
    "yes_reply": _("Said YES after a STOP, which opens nothing. Ask whether she wants messages."),
}


def said_of(kind: str) -> str:
    """A kind of task in words."""
    return str(WORDS.get(kind) or PLAIN.get(kind, kind.replace("_", " ")))
