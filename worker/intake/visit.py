"""The shape of what a calendar says of one visit: the body of the interface, and a row of a CSV file."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from worker.intake.client import ExternalId, Moment
from worker.intake.clinic import Code
from worker.intake.shape import Shape, checked
from worker.rules.refusal import Refusal, Refusals

BY_HAND = "desk"
_LARGEST = 2**63 - 1


def _counted(value: object) -> object:
    """A number, or a moment to the microsecond: many calendars know when a visit was changed, and count nothing."""
    if isinstance(value, str) and value[4:5] == "-":
        try:
            moment = TypeAdapter(Moment).validate_python(value)
        except ValidationError:
            raise ValueError("is no moment; write it out, for example 2026-03-08T10:00:00-05:00") from None
        assert isinstance(moment, datetime)
        return int(moment.timestamp()) * 1_000_000 + moment.microsecond
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("is no version; give a whole number or a moment that grows with every change of the visit")  # noqa: TRY004 - pydantic takes ValueError alone
    return value


Source = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class VisitFile(Shape):
    """One visit as its calendar has it now; docs/appointment.schema.json is made from it."""

    client: ExternalId
    starts_at: Moment
    status: Literal["booked", "cancelled", "no_show", "completed"]
    source_version: Annotated[
        int, BeforeValidator(_counted, json_schema_input_type=int | str), Field(ge=0, le=_LARGEST)
    ]
    protocol: Code | Literal[""] = ""


class _Name(Shape):
    source: Source
    external_id: ExternalId


def refuse_odd_name(source: str, external_id: str) -> None:
    """Raise Refusals for a source or an id that can't be one; the desk's own visits are no calendar's."""
    checked(_Name, {"source": source, "external_id": external_id})
    if source == BY_HAND:
        raise Refusals([Refusal("source", "is the desk's own", "give the calendar a name of its own")])
