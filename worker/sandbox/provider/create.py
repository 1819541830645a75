"""What a create may say: stricter than the real API, so that a misspelt parameter is found here and not by a client."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from .problems import MAGIC_FROM, MAGIC_TO, Problem, RefusedError
from .shapes import PHONE, SERVICE_SID, is_sender

_BOOLEAN = re.compile("true|false", re.IGNORECASE)
_ANY = re.compile(".*", re.DOTALL)
_REPEATABLE = frozenset({"MediaUrl", "PersistentAction"})

# Rule 76: every parameter the reference names, and what its value must look like.
_KNOWN = {
    "To": _ANY,
    "From": _ANY,
    "MessagingServiceSid": _ANY,
    "Body": _ANY,
    "StatusCallback": _ANY,
    "ValidityPeriod": _ANY,
    "ApplicationSid": re.compile("AP[0-9a-fA-F]{32}"),
    "MaxPrice": re.compile(r"[0-9]+(\.[0-9]+)?"),
    "ProvideFeedback": _BOOLEAN,
    "Attempt": re.compile("[1-9][0-9]*"),
    "ForceDelivery": _BOOLEAN,
    "ContentRetention": re.compile("retain|discard"),
    "AddressRetention": re.compile("retain|obfuscate"),
    "SmartEncoded": _BOOLEAN,
    "PersistentAction": _ANY,
    "TrafficType": re.compile("free"),
    "ShortenUrls": _BOOLEAN,
    "ScheduleType": re.compile("fixed"),
    "SendAt": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"),
    "SendAsMms": _BOOLEAN,
    "ContentVariables": _ANY,
    "MessageIntent": re.compile(
        "otp|notifications|marketing|fraud|security|customercare|delivery|education|polling|announcements|events"
    ),
    "RiskCheck": re.compile("enable|disable"),
    "FallbackFrom": _ANY,
    "MediaUrl": re.compile(r"https?://.+"),
    "ContentSid": re.compile("HX[0-9a-fA-F]{32}"),
}
_LONGEST_BODY = 1600
_LONGEST_VALIDITY = 36_000  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A create that may go ahead."""

    to: str
    sender: str | None
    service: str | None
    body: str
    callback: str | None
    validity: int
    media: int
    scheduled: bool


def read_form(raw: bytes) -> list[tuple[str, str]]:
    """Read a form body, blank values kept; raises RefusedError for bytes that are no UTF-8 form."""
    try:
        return parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=200)
    except ValueError:
        raise _refuse(20001, "The body is not a form in UTF-8") from None


def check(pairs: list[tuple[str, str]]) -> Draft:
    """Judge a create, magic numbers included (rule 90); raises RefusedError with the code the real API would use."""
    form = dict(pairs)
    _known_only(pairs, form)
    to, sender, service = _addresses(form)
    media = sum(name == "MediaUrl" for name, _ in pairs)
    return Draft(
        to=to,
        sender=sender,
        service=service,
        body=_body(form, media=media),
        callback=_callback(form.get("StatusCallback")),
        validity=_validity(form.get("ValidityPeriod")),
        media=media,
        scheduled=_scheduled(form, service),
    )


def _refuse(code: int, message: str) -> RefusedError:
    return RefusedError(Problem(code, message))


def _known_only(pairs: list[tuple[str, str]], form: dict[str, str]) -> None:
    for name, value in pairs:
        shape = _KNOWN.get(name)
        if shape is None:
            raise _refuse(20001, f"Unknown parameter: {name[:40]}")
        if shape is not _ANY and not shape.fullmatch(value):
            raise _refuse(20001, f"Invalid value of parameter {name}")
    if len(pairs) != len(form):
        names = [name for name, _ in pairs if name not in _REPEATABLE]
        if len(names) != len(set(names)):
            raise _refuse(20001, "A parameter was given twice")


def _addresses(form: dict[str, str]) -> tuple[str, str | None, str | None]:
    to, sender, service = form.get("To"), form.get("From") or None, form.get("MessagingServiceSid") or None
    if not to:
        raise _refuse(21604, "A 'To' phone number is required.")
    if to in MAGIC_TO:
        raise RefusedError(MAGIC_TO[to])
    if not PHONE.fullmatch(to):
        raise _refuse(21211, "Invalid 'To' Phone Number")
    if sender is None and service is None:
        raise _refuse(21603, "A 'From' phone number or 'MessagingServiceSid' is required.")
    if service is not None and not SERVICE_SID.fullmatch(service):
        raise _refuse(21701, "The Messaging Service does not exist")
    _sender(sender, to)
    return to, sender, service


def _sender(sender: str | None, to: str) -> None:
    if sender is None:
        return
    if sender in MAGIC_FROM:
        raise RefusedError(MAGIC_FROM[sender])
    if not is_sender(sender):
        raise _refuse(21212, "Invalid 'From' Phone Number")
    if sender == to:
        raise _refuse(21266, "'To' and 'From' numbers cannot be the same")


def _body(form: dict[str, str], *, media: int) -> str:
    body = form.get("Body", "")
    if not body and not media and "ContentSid" not in form:
        raise _refuse(21602, "Message body is required.")
    if len(body) > _LONGEST_BODY:
        raise _refuse(21617, "The concatenated message body exceeds the 1600 character limit")
    return body


def _callback(url: str | None) -> str | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and "_" not in (parts.hostname or "")
    except ValueError:
        usable = False
    if not usable or any(mark <= " " or mark == "\x7f" for mark in url):
        raise _refuse(21609, "The 'StatusCallback' URL is not a valid http or https URL")
    return url


def _validity(given: str | None) -> int:
    if given is None:
        return _LONGEST_VALIDITY
    if not re.fullmatch("[0-9]{1,9}", given) or int(given) == 0:
        raise _refuse(90014, "Validity Period should be positive integer")
    if int(given) > _LONGEST_VALIDITY:
        raise _refuse(90007, "Invalid validity period value")
    return int(given)


def _scheduled(form: dict[str, str], service: str | None) -> bool:
    if "ScheduleType" not in form and "SendAt" not in form:
        return False
    if service is None:
        raise _refuse(35118, "MessagingServiceSid is required to schedule a message")
    if "ScheduleType" not in form or "SendAt" not in form:
        raise _refuse(35111, "ScheduleType and SendAt are needed together")
    return True
