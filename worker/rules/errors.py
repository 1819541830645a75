"""What a provider's answer means: Twilio codes and HTTP classes, SMTP replies, an email provider's events."""

from __future__ import annotations

import re
from dataclasses import replace
from http import HTTPStatus

from worker.rules.error_table import TABLE_VERSION, TWILIO, Effect, Outcome, Verdict

__all__ = ["TABLE_VERSION", "TWILIO", "Effect", "Outcome", "Verdict", "email_event", "no_answer", "smtp_reply"]
__all__ += ["twilio_code"]

_UNKNOWN = Verdict(Outcome.UNKNOWN, Effect.NONE, "rule 81: may have been processed")


def twilio_code(code: int | None, http_status: int) -> Verdict:
    """Judge Twilio's answer to a create call, or the error code of a receipt (rules 81, 87).

    201 is sent, whatever else it says. 429 was never processed. Any 5xx is ambiguous, even under a known code:
    the message may exist. A receipt's code is judged with status 200. A code we do not know is never
    repeated by itself: the message ends here, in sight of an operator.
    """
    return replace(_twilio(code, http_status), code=str(code or http_status))


def _twilio(code: int | None, http_status: int) -> Verdict:
    if http_status == HTTPStatus.CREATED or (not code and http_status // 100 == 2):  # noqa: PLR2004 - the 2xx class
        return Verdict(Outcome.ACCEPTED, Effect.NONE, "C: created")
    if http_status == HTTPStatus.TOO_MANY_REQUESTS:
        return TWILIO[20429]
    if http_status // 100 not in {2, 4}:  # nothing else says that it was not processed
        return _UNKNOWN
    if code in TWILIO:
        return TWILIO[code]
    if http_status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND} and not code:
        return Verdict(Outcome.REFUSED_SENDER, Effect.OPEN_CIRCUIT, "O: account refused")
    return Verdict(Outcome.REFUSED_CONTENT, Effect.PAGE_OPERATOR, "rule 87: unknown code, no retry by itself")


def no_answer(*, bytes_left: bool) -> Verdict:
    """Judge a call that got no answer (rules 81, 119).

    Args:
        bytes_left: True once any byte of the request (SMTP: of the message's final dot) may have left us.
    """
    if bytes_left:
        return _UNKNOWN
    return Verdict(Outcome.TRY_LATER, Effect.NONE, "rule 81: nothing was sent")


# At a line's start (RFC 2034), or marked as qmail marks it; never a version number inside the words.
_ENHANCED = re.compile(r"(?:^(?:\d{3}[ -])?\s*|[(\[#]#?)([245])\.(\d{1,3})\.(\d{1,3})(?![.\d])", re.MULTILINE)

_GONE = Verdict(Outcome.REFUSED_ADDRESS, Effect.SUPPRESS, "RFC 3463 3.2: no such mailbox or domain")
_TOO_BIG = Verdict(Outcome.REFUSED_CONTENT, Effect.PAGE_OPERATOR, "RFC 3463: our message is at fault")
_BUSY = Verdict(Outcome.TRY_LATER, Effect.NONE, "RFC 5321 4.2.1: transient")
_SLOW = replace(_BUSY, source="RFC 3463 3.8: slow down", slow_down=True)
_FULL = replace(_SLOW, source="RFC 5321 3.8: the whole relay is busy", everybody=True)
_OUR_SENDER = Verdict(Outcome.REFUSED_SENDER, Effect.PAGE_OPERATOR, "RFC 3463 3.2: our sender address")
_LOGIN = Verdict(Outcome.REFUSED_SENDER, Effect.OPEN_CIRCUIT, "RFC 4954: authentication")

# Permanent replies by RFC 3463 subject and detail.
_PERMANENT = {
    **dict.fromkeys(["1.1", "1.2", "1.3", "1.6"], _GONE),
    **dict.fromkeys(["1.7", "1.8"], _OUR_SENDER),
    **dict.fromkeys(["2.3", "3.4", "5.1", "5.2", "5.4"], _TOO_BIG),
    "2.1": replace(_GONE, source="RFC 3463 3.3: mailbox disabled", after=2),
    "7.8": _LOGIN,
    "7.9": _LOGIN,
}
# By RFC 3463 subject alone. Never the client's fault: suppressing here would silence whole domains.
_PERMANENT_SUBJECT = {
    "6": _TOO_BIG,
    "7": Verdict(Outcome.REFUSED_SENDER, Effect.PAGE_OPERATOR, "RFC 3463 3.8: policy or our reputation"),
}
_AUTHENTICATION = frozenset({530, 534, 535, 538})
_CLOSING, _TOO_MANY = 421, 429  # 429 is what a provider's API answers; no relay does
_COMMAND = frozenset({500, 501, 502, 503, 504})


def smtp_reply(code: int, text: str) -> Verdict:
    """Judge an SMTP reply, by its enhanced code where it has one (rule 125, RFC 5321 4.2, RFC 3463).

    A full mailbox is transient even as 5.2.2; 5.7.x is about us and never suppresses a client; an address
    is suppressed at once only on 5.1.1, 5.1.2, 5.1.3 and 5.1.6. What is not known goes by the class digit.
    The text is read for its code only: its words may be in any language.
    """
    found = _ENHANCED.search(text)
    enhanced = ".".join(found.groups()) if found else ""
    verdict = _smtp(code, enhanced[2:])
    return replace(verdict, code=f"{code} {enhanced}".strip())


def _smtp(code: int, detail: str) -> Verdict:
    kind = code // 100
    if kind == 2:  # noqa: PLR2004 - the reply classes of RFC 5321 4.2.1
        return Verdict(Outcome.ACCEPTED, Effect.NONE, "RFC 5321 4.2.1: accepted, not yet delivered")
    if kind not in {4, 5}:
        return _UNKNOWN
    if detail == "2.2":
        return replace(_BUSY, source="RFC 3463 3.3: mailbox full")
    if kind == 4:  # noqa: PLR2004 - as above
        if code in {_CLOSING, _TOO_MANY}:
            return _FULL
        return _SLOW if detail.startswith("7.") else _BUSY
    return _permanent(code, detail)


def _permanent(code: int, detail: str) -> Verdict:
    verdict = _PERMANENT.get(detail) or _PERMANENT_SUBJECT.get(detail.partition(".")[0])
    if verdict is not None:
        return verdict
    if not detail and code in _AUTHENTICATION:
        return _LOGIN
    if not detail and code in _COMMAND:
        return replace(_TOO_BIG, source="RFC 5321 4.2.2: our command was refused")
    return Verdict(Outcome.REFUSED_ADDRESS, Effect.STAFF_TASK, "RFC 5321 4.2.1: permanent, cause not told")


_PASSED = Verdict(Outcome.ACCEPTED, Effect.NONE, "anymail: on its way")
_BOUNCED = Verdict(Outcome.REFUSED_ADDRESS, Effect.SUPPRESS, "anymail: hard bounce")
_COMPLAINED = Verdict(Outcome.ACCEPTED, Effect.SUPPRESS, "RFC 5965: complaint or unsubscription")

_EVENTS = {
    **dict.fromkeys(
        ["queued", "sent", "delivered", "deferred", "autoresponded", "opened", "clicked", "subscribed"], _PASSED
    ),
    "complained": _COMPLAINED,
    "unsubscribed": _COMPLAINED,
    "failed": Verdict(Outcome.REFUSED_CONTENT, Effect.PAGE_OPERATOR, "anymail: provider could not send"),
    "bounced": replace(_BOUNCED, source="anymail: bounce without a reason", after=2),
    "rejected": Verdict(Outcome.REFUSED_ADDRESS, Effect.STAFF_TASK, "anymail: provider would not send"),
}
_REASONS = {
    "invalid": _BOUNCED,
    "bounced": _BOUNCED,
    "unsubscribed": replace(_COMPLAINED, outcome=Outcome.REFUSED_ADDRESS),
    "spam": replace(_COMPLAINED, outcome=Outcome.REFUSED_ADDRESS),
    "blocked": Verdict(Outcome.REFUSED_SENDER, Effect.PAGE_OPERATOR, "anymail: policy or our reputation"),
    "timed_out": Verdict(Outcome.EXPIRED, Effect.NONE, "anymail: provider gave up trying"),
}


def email_event(event_type: str, reject_reason: str | None = None) -> Verdict:
    """Judge a tracking event by anymail's normal names (rules 125, 127).

    A new "subscribed" never lifts a suppression, and an event we do not know changes nothing but pages an operator.
    """
    verdict = _EVENTS.get(event_type)
    if event_type in {"bounced", "rejected"}:
        verdict = _REASONS.get(reject_reason or "", verdict)
    raw = f"{event_type} {reject_reason or ''}".strip()[:40]
    if verdict is None:
        return Verdict(Outcome.UNKNOWN, Effect.PAGE_OPERATOR, "anymail: unknown event", code=raw)
    return replace(verdict, code=raw)
