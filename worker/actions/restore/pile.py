"""Some texts of the provider's list, by clinic and number: each is one message's here, or nobody's (P4)."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from worker.actions.restore.outbound import Account
    from worker.channels.records import Left


class Pile:
    """The texts that no attempt here is."""

    def __init__(self, texts: Iterable[Left], account: Account) -> None:
        self._there: dict[tuple[int, str], list[Left]] = defaultdict(list)
        self._digests: dict[str, str] = {}
        self._free: set[str] = set()
        self._strange: set[str] = set()
        for text in texts:
            self._digests[text.provider_id] = hashlib.sha256(text.body.encode("utf-8", "replace")).hexdigest()
            for clinic_id in account.clinics_of(text) if text.to else ():
                self._there[clinic_id, text.to].append(text)
        self._free.update(self._digests)
        self._strange.update(self._digests)

    def numbers(self) -> dict[int, set[str]]:
        """Every number that a clinic wrote to."""
        found: dict[int, set[str]] = defaultdict(set)
        for clinic_id, number in self._there:
            found[clinic_id].add(number)
        return found

    def take(self, clinic_id: int, numbers: Iterable[str], body_sha256: str) -> Left | None:
        """The oldest text to one of these numbers with these words; it can be no other message's then."""
        for text in self._to(clinic_id, numbers):
            if self._digests[text.provider_id] == body_sha256:
                self._free.remove(text.provider_id)
                return text
        return None

    def has_other_words(self, clinic_id: int, numbers: Iterable[str]) -> bool:
        """Whether one of these numbers got words that no message here has: they may be any message's, written anew."""
        return bool(self._to(clinic_id, numbers))

    def strangers(self) -> int:
        """How many texts went to numbers that nobody asked for."""
        return len(self._strange)

    def _to(self, clinic_id: int, numbers: Iterable[str]) -> list[Left]:
        texts = [text for number in numbers for text in self._there.get((clinic_id, number), ())]
        self._strange.difference_update(text.provider_id for text in texts)
        return [text for text in texts if text.provider_id in self._free]
