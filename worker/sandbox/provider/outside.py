"""The outside in one piece: clock, witness, messages, mails, faults and those who act on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from .carrier import Carrier
from .clock import Clock
from .faults import OptOut, Weather
from .hooks import Hooks
from .mail import Mailroom
from .messages import Store
from .optout import BlockList
from .phones import Phones
from .senders import Senders
from .witness import Witness

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .options import Options


class Outside:
    """Everything the handlers share; one per process."""

    def __init__(self, options: Options) -> None:
        """Put the parts together; nothing listens or calls yet."""
        self.options = options
        self.clock = Clock(options.calendar_file)
        self.witness = Witness(self.clock, options.state_dir)
        self.weather = Weather(cast("OptOut", options.optout))
        self.store = Store()
        self.senders = Senders()
        self.blocked = BlockList()
        self.hooks = Hooks(token=options.auth_token, public_url=options.public_url, trust=options.tls_cert)
        self.carrier = Carrier(
            clock=self.clock, weather=self.weather, hooks=self.hooks, senders=self.senders, witness=self.witness
        )
        self.phones = Phones(
            options=options, clock=self.clock, witness=self.witness, weather=self.weather, store=self.store,
            senders=self.senders, blocked=self.blocked, hooks=self.hooks, carrier=self.carrier,
        )  # fmt: skip
        self.on_outage: Callable[[bool], Awaitable[None]] | None = None
        self.unsubscribed: dict[int, dict[str, object]] = {}  # by mail number: what the last one-click POST got
        self.mailroom = Mailroom(clock=self.clock, weather=self.weather, witness=self.witness, folder=options.state_dir)

    async def weather_changed(self) -> None:
        """Shut or open the API's own port, where there is one, and let held texts go, as the faults now stand."""
        self.carrier.release()
        if self.on_outage is not None:
            await self.on_outage(self.weather.now.outage)

    def quiet(self) -> dict[str, object]:
        """Say whether nothing is on its way any more, neither to a phone nor to the application."""
        callbacks, inbound, moving = self.carrier.pending_callbacks, self.phones.pending, self.carrier.moving
        return {
            "quiet": not (callbacks or inbound or moving),
            "pending_callbacks": callbacks,
            "pending_inbound": inbound,
            "moving": moving,
        }
