"""The shape of an enrolment file (JSON): one client, her consents, the treatment and the next session."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StrictBool, model_validator

from worker.intake.clinic import PLAIN, Code, Line
from worker.intake.shape import Shape
from worker.rules.names import Channel, Purpose


def _written_out(value: object) -> object:
    """A bare number is no moment: nobody at a desk counts seconds since 1970, so it is a mistake."""
    if isinstance(value, datetime) or (isinstance(value, str) and value[4:5] == "-"):
        return value
    raise ValueError("is no moment; write it out, for example 2026-03-08T10:00:00-05:00")


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_written_out),
    # Bounds keep the years that a database or a change of zone can't take away from both.
    Field(ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC)),
]
SELF = ("self", "client", "own", "me")
Plain = Annotated[str, Field(pattern=PLAIN)]
ExternalId = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/#-]*$")]


class ConsentShape(Shape):
    """One yes, or one no, for one channel and purpose. `affirmed` has no default anywhere (rule 3)."""

    channel: Channel
    purpose: Purpose
    affirmed: StrictBool
    method: Literal["paper", "web", "verbal", "kiosk", "phone", "email"]
    given_at: Moment
    wording: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}@[0-9]{1,6}$")]
    source: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:#/-]{0,60}$")] = ""  # it enters the ledger: no names


class TreatmentShape(Shape):
    """The session that was done."""

    protocol: Code
    external_id: ExternalId
    performed_at: Moment
    practitioner: Annotated[Plain, Field(max_length=254)] = ""


class AppointmentShape(Shape):
    """The next session, when it is booked."""

    external_id: ExternalId
    starts_at: Moment
    protocol: Code | Literal[""] = ""


def _somebody_else(value: str) -> str:
    if value.casefold() in SELF:
        raise ValueError("says that it is the client's own; leave holder out, or say who it is, such as mother")
    return value


class ProxyShape(Shape):
    """Whose phone or mailbox it is, when it is not the client's own (rule 15)."""

    name: Annotated[Line, Field(max_length=120)]
    relationship: Annotated[Line, Field(max_length=40), AfterValidator(_somebody_else)]


Spot = tuple[Annotated[int, Field(ge=0, le=1000)], Annotated[int, Field(ge=0, le=1000)]]
Stroke = Annotated[list[Spot], Field(min_length=1, max_length=2000)]


class SignatureShape(Shape):
    """How she signed on a screen: her name as she typed it, or what she drew, in thousandths of the box it stands in.

    `device` is what her browser and address say of themselves when she signed on her own phone (rule 2).
    """

    typed: Annotated[str, Field(max_length=120)] = ""
    strokes: Annotated[list[Stroke], Field(max_length=200, default_factory=list)]
    device: Annotated[str, Field(max_length=300)] = ""

    @model_validator(mode="after")
    def _is_there(self) -> SignatureShape:
        if not (self.typed or self.strokes):
            raise ValueError("is empty; let her draw it, or type her name")
        return self


def refuse_unreachable(consents: list[ConsentShape], *, phone: str, email: str) -> None:
    """Raise ValueError for a yes to a channel without an address, and for the same question answered twice."""
    channels = {"sms": phone, "email": email}
    for consent in consents:
        if consent.affirmed and not channels[consent.channel]:
            missing = "phone" if consent.channel == Channel.SMS else "email"
            raise ValueError(f"consents to {consent.channel} without an address; add {missing}")
    named = [(consent.channel, consent.purpose) for consent in consents]
    if len(named) != len(set(named)):
        raise ValueError("the same channel and purpose stands twice in consents; keep one of them")


class ClientFile(Shape):
    """The whole file; docs/enrol.schema.json is made from it."""

    clinic: Code
    enrolled_by: Annotated[Plain, Field(min_length=3, max_length=254)]
    external_id: ExternalId
    name: Annotated[str, Field(min_length=1, max_length=120)]
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")]
    zone: Line | Literal[""] = ""  # "" where nobody knows: then every zone that her number allows counts (rule 47)
    phone: Annotated[str, Field(max_length=40)] = ""
    email: Annotated[str, Field(max_length=254)] = ""
    holder: ProxyShape | None = None
    minor: StrictBool = False
    health_data_basis: Literal["none", "explicit_consent", "care"] = "none"
    consents: Annotated[list[ConsentShape], Field(max_length=20)]
    signature: SignatureShape | None = None
    treatment: TreatmentShape | None = None
    appointment: AppointmentShape | None = None

    def said(self) -> str:
        """All of it as JSON, to tell a repeat from a contradiction; what old files had not is in it only if given."""
        return self.model_dump_json(exclude=None if self.signature else {"signature"})

    @model_validator(mode="after")
    def _says_enough(self) -> ClientFile:
        refuse_unreachable(self.consents, phone=self.phone, email=self.email)
        if self.minor and not self.holder:
            raise ValueError("a minor needs somebody who agrees for her; add holder with name and relationship")
        if self.holder and self.holder.name.casefold() == self.name.casefold():
            raise ValueError("the holder is the client herself; leave holder out, or write the other person's name")
        if self.appointment and not (self.treatment or self.appointment.protocol):
            raise ValueError("an appointment without a treatment needs its own protocol; add appointment.protocol")
        return self
