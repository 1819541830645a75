"""What goes wrong, on request: POST /sandbox/faults sets it, GET shows it, DELETE ends it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

if TYPE_CHECKING:
    from collections.abc import Sequence

AnyRule = TypeVar("AnyRule", bound="Rule")
Chance = float
OptOut = Literal["off", "default", "advanced"]


class Strict(BaseModel):
    """Refuses unknown names and wrong types, and says where."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Rule(Strict):
    """Strikes the next `count` times (default 1), or each time with probability `chance`."""

    count: int | None = Field(default=None, ge=0, le=1_000_000)
    chance: Chance | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if self.count is not None and self.chance is not None:
            raise ValueError("give count or chance, not both")
        if self.count is None and self.chance is None:
            self.count = 1
        return self

    def strikes(self, luck: random.Random) -> bool:
        """True when it is this rule's turn; a counted rule is used up by it."""
        if self.chance is not None:
            return luck.random() < self.chance
        if not self.count:
            return False
        self.count -= 1
        return True


class ApiFault(Rule):
    """Strikes the Twilio API.

    drop: the message is accepted, the connection closes without an answer (rule 79). refuse: the connection is reset
    and nothing is accepted. 500 and 503 accept nothing either, unless `accepted` (rule 81: nobody can tell).
    """

    kind: Literal["429", "500", "503", "drop", "refuse"]
    on: Literal["create", "read", "any"] = "create"
    retry_after: int | None = Field(default=None, ge=0, le=86_400)
    accepted: bool = False


class Callbacks(Strict):
    """Strikes status callbacks (rule 98: late, twice, out of order, or never; rule 99: before the answer)."""

    delay_ms: int = Field(default=0, ge=0, le=600_000)
    copies: int = Field(default=1, ge=1, le=10)
    reversed: bool = False
    missing: Chance = Field(default=0.0, ge=0, le=1)
    before_answer: bool = False


class Handset(Strict):
    """How messages to one phone (or to "*", any other) end."""

    status: Literal["sent", "delivered", "undelivered", "failed", "read"] = "undelivered"
    error_code: int | None = Field(default=None, ge=1, le=99_999)


class Inbound(Strict):
    """Strikes what clients write: the next `lose` webhooks never come; each comes `copies` times (rule 97)."""

    lose: int = Field(default=0, ge=0, le=1_000_000)
    copies: int = Field(default=1, ge=1, le=10)
    delay_ms: int = Field(default=0, ge=0, le=600_000)


class SmtpFault(Rule):
    """Strikes SMTP at a stage with `reply`; drop keeps the mail and closes without a reply (rule 119)."""

    stage: Literal["connect", "mail", "rcpt", "data", "drop"]
    reply: str = Field(default="451 4.3.0 Try again later", pattern=r"^[45][0-9]{2} [ -~]{1,400}$")


class Faults(Strict):
    """All that can be asked for; with nothing asked for, everything works."""

    outage: bool = False
    hold: bool = False  # accepted texts wait in the carrier's queue until this ends
    latency_ms: int = Field(default=0, ge=0, le=600_000)
    list_lag_ms: int = Field(default=0, ge=0, le=86_400_000)
    api: list[ApiFault] = []
    callbacks: Callbacks = Callbacks()
    handsets: dict[str, Handset] = {}
    inbound: Inbound = Inbound()
    smtp: list[SmtpFault] = []
    optout: OptOut = "off"
    seed: int = 0


class Weather:
    """The faults in force, and the dice (seeded, so that a run can be repeated)."""

    def __init__(self, optout: OptOut = "off") -> None:
        """Begin fair; `optout` is the provider's STOP list when nothing else is asked for."""
        self._optout = optout
        self.now = Faults(optout=optout)
        self.luck = random.Random(0)  # noqa: S311 - dice for faults, not a secret

    def clear(self) -> None:
        """End all faults."""
        self.now = Faults(optout=self._optout)

    def change(self, asked: object) -> None:
        """Replace the named faults and leave the others; raises ValueError naming field and mend, changing nothing."""
        if not isinstance(asked, dict):
            raise ValueError("faults: a JSON object is needed")  # noqa: TRY004 - one kind of refusal for callers
        try:
            self.now = Faults.model_validate({**self.now.model_dump(), **asked})
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "faults"
            raise ValueError(f"{field}: {first['msg']}") from None
        if "seed" in asked:
            self.luck.seed(self.now.seed)

    def shown(self) -> dict[str, Any]:
        """Return what is in force, with the counts still left."""
        return self.now.model_dump()

    def api(self, deed: Literal["create", "read"]) -> ApiFault | None:
        """Return the fault that strikes this API call, if one does."""
        if self.now.outage:
            return _OUTAGE
        if not self.now.api:
            return None
        return self._first([rule for rule in self.now.api if rule.on in {deed, "any"}])

    def smtp(self, stage: str) -> SmtpFault | None:
        """Return the fault that strikes this stage of an SMTP session, if one does."""
        return self._first([rule for rule in self.now.smtp if rule.stage == stage])

    def handset(self, phone: str) -> Handset:
        """Return how a message to `phone` ends."""
        ends = self.now.handsets
        return ends.get(phone) or ends.get("*") or _DELIVERED

    def _first(self, rules: Sequence[AnyRule]) -> AnyRule | None:
        return next((rule for rule in rules if rule.strikes(self.luck)), None)


_OUTAGE = ApiFault(kind="refuse", on="any", chance=1.0)
_DELIVERED = Handset(status="delivered")
