"""The shape of a clinic file (TOML): the clinic, its staff, its senders, and which protocols it takes as drafts."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from worker.intake.shape import Shape
from worker.rules.names import Channel

Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
PLAIN = (
    r"^[^\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]*$"  # no control characters, no bidi marks: NUL alone stops PostgreSQL
)
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=PLAIN)]


def _one_address(value: str) -> str:
    if not re.fullmatch(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,190}", value):
        raise ValueError("is not one email address; write name@example.org")
    return value


_ANSWERABLE = r"\+[1-9][0-9]{6,14}|[0-9]{5,8}|MG[0-9a-fA-F]{32}"
EmailLine = Annotated[str, Field(max_length=254), AfterValidator(_one_address)]


def _once(value: list[Channel]) -> list[Channel]:
    if len(value) > len(set(value)):
        raise ValueError("names a channel twice; name each channel once")
    return value


class ClinicShape(Shape):
    """Who writes."""

    slug: Code
    name: Annotated[Line, Field(max_length=30)]
    zone: Line
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    state: Annotated[str, Field(pattern=r"^[A-Z]{0,3}$")] = ""
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "en"
    phone: Line
    postal_address: Line
    mail_domain: Annotated[str, Field(max_length=190, pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$")]
    reply_to: EmailLine
    allowed_countries: Annotated[list[Annotated[str, Field(pattern=r"^[A-Z]{2}$")]], Field(min_length=1)]
    says_treatment: bool = False
    double_opt_in: Annotated[list[Channel], AfterValidator(_once)] = Field(default_factory=list)  # [] asks nobody
    optin_hours: Annotated[int, Field(ge=1, le=168)] = 48
    stale_after_months: Annotated[int, Field(ge=6, le=24)] = 18
    feed_alarm_hours: Annotated[int, Field(ge=1, le=720)] = 24
    feed_hold_hours: Annotated[int, Field(ge=1, le=2160)] = 72
    red_flag_minutes: Annotated[int, Field(ge=5, le=240)] = 30
    hours: dict[Channel, dict[str, list[str]]] = Field(
        default_factory=dict
    )  # {"sms": {"mon-sat": ["09:00-20:00"]}}; left out = the usual hours


class StaffShape(Shape):
    """One person and what she may do."""

    email: EmailLine
    name: Line
    licence: Annotated[str, Field(max_length=60)] = ""
    roles: Annotated[list[Literal["desk", "practitioner", "operator", "owner"]], Field(min_length=1)]


class SenderShape(Shape):
    """A number, messaging service (MG...) or mail address that belongs to this clinic alone."""

    channel: Channel
    identity: Line
    account_sid: Annotated[str, Field(pattern=r"^(AC[0-9a-fA-F]{32})?$")] = ""
    auth_tokens: list[Line] = Field(default_factory=list)
    provider_handles_optout: bool = False
    per_second: Annotated[float, Field(ge=0.01, le=1000)] | None = None  # parts, or mails; left out = the usual rate

    @model_validator(mode="after")
    def _can_be_answered(self) -> SenderShape:
        """A name as sender ("LAKESIDE") takes no reply: every text of ours says that STOP ends it (rules 29, 72)."""
        if self.channel is Channel.SMS and not re.fullmatch(_ANSWERABLE, self.identity):
            raise ValueError(
                "is no number that takes replies; give +12125550100, a short code, or MG and its 32 digits"
            )
        return self


class WordingShape(Shape):
    """The exact words shown at opt-in; a change needs the next version."""

    code: Code
    version: Annotated[int, Field(ge=1)]
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")]
    text: Annotated[str, Field(min_length=20, max_length=4000)]


class ClinicFile(Shape):
    """The whole file."""

    protocols: Annotated[list[Line], Field(min_length=1)]
    clinic: ClinicShape
    staff: Annotated[list[StaffShape], Field(min_length=1)]
    sender: Annotated[list[SenderShape], Field(min_length=1)]
    wording: list[WordingShape] = Field(default_factory=list)
