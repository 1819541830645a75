"""The provider's refusals: {code, message, more_info, status}, and the magic numbers that ask for one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One way to be refused: `code` is the provider's number, `status` the HTTP status."""

    code: int
    message: str
    status: int = 400

    def shown(self) -> dict[str, object]:
        """Return the body that the real API sends (the `twilio` package reads code and message)."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


class RefusedError(Exception):
    """A request was refused and nothing was accepted; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        """Carry `problem` to the answer."""
        super().__init__(problem.code)
        self.problem = problem


UNAUTHORISED = Problem(20003, "Authenticate", 401)
NOT_FOUND = Problem(20404, "The requested resource was not found", 404)
OPTED_OUT = Problem(21610, "Attempt to send to unsubscribed recipient")

# Rule 90: numbers that always fail in the same way, so that each refusal can be rehearsed.
MAGIC_TO = {
    "+15005550001": Problem(21211, "Invalid 'To' Phone Number"),
    "+15005550002": Problem(21612, "Message cannot be sent with this combination of 'To' and 'From'"),
    "+15005550003": Problem(21408, "Permission to send an SMS has not been enabled for the region of 'To'"),
    "+15005550004": OPTED_OUT,
    "+15005550009": Problem(21614, "'To' number is not a valid mobile number"),
}
MAGIC_FROM = {
    "+15005550001": Problem(21212, "Invalid 'From' Phone Number"),
    "+15005550007": Problem(21606, "The 'From' phone number cannot send to this 'To' by SMS"),
    "+15005550008": Problem(21611, "This 'From' number has exceeded the maximum number of queued messages"),
}

# What a handset's failure is called in error_message; the code table of our own rules is not consulted.
CARRIER_MESSAGES = {
    30001: "Queue overflow",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
    30036: "Validity Period Expired",
}
