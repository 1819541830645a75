"""Which number a Messaging Service writes from: picked once per service, from the ranges kept for fiction."""

from __future__ import annotations

import zlib

_AREAS = (202, 212, 303, 312, 404, 415, 503, 602, 617, 702)


class Senders:
    """Gives each service its own +1 NXX 555 01xx number (rule 131), the same one at every start."""

    def __init__(self) -> None:
        """Begin with no service known."""
        self._numbers: dict[str, str] = {}
        self._services: dict[str, str] = {}

    def number(self, service: str) -> str:
        """Return the number (E.164) that `service` (MG...) writes from; two services share one after a thousand."""
        if service not in self._numbers:
            start = zlib.crc32(service.encode())
            choice = (_fiction(start + step) for step in range(1000))
            number = next((n for n in choice if n not in self._services), _fiction(start))
            self._numbers[service] = number
            self._services[number] = service
        return self._numbers[service]

    def service(self, number: str) -> str | None:
        """Return the service that writes from `number`, if any does."""
        return self._services.get(number)


def _fiction(pick: int) -> str:
    return f"+1{_AREAS[pick // 100 % len(_AREAS)]}55501{pick % 100:02d}"
