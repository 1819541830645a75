"""The shape of a change of address (JSON): the new phone or mailbox, and what was agreed to for it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from worker.intake.client import ConsentShape, Plain, ProxyShape, refuse_unreachable
from worker.intake.shape import Shape


class ContactFile(Shape):
    """The whole file; docs/contact.md tells what each field does."""

    changed_by: Annotated[Plain, Field(min_length=3, max_length=254)]
    phone: Annotated[str, Field(max_length=40)] = ""
    email: Annotated[str, Field(max_length=254)] = ""
    holder: ProxyShape | None = None
    consents: Annotated[list[ConsentShape], Field(max_length=20)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _says_enough(self) -> ContactFile:
        if not (self.phone or self.email):
            raise ValueError("names no new address; add phone or email")
        refuse_unreachable(self.consents, phone=self.phone, email=self.email)
        return self
