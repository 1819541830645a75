"""Who may speak as the provider: the signature on every webhook, checked before anything else (rules 91 to 95)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from twilio.request_validator import RequestValidator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Fields:
    """A form in the shape the validator reads: blanks and repeated names kept as they came (rule 93)."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Keep name and value as sent; nothing is stripped."""
        self._pairs = tuple(pairs)

    def __iter__(self) -> Iterator[str]:
        """Give the names, once for each value."""
        return (name for name, _ in self._pairs)

    def __len__(self) -> int:
        """Count the values."""
        return len(self._pairs)

    def getlist(self, name: str) -> list[str]:
        """Give every value of one name."""
        return [value for known, value in self._pairs if known == name]


def form_is_genuine(*, url: str, fields: Fields, signature: str, tokens: Sequence[str]) -> bool:
    """True when one of `tokens` signed exactly this form for exactly this URL; in constant time (rules 91, 95).

    `url` is the configured public address with its query, never one rebuilt from headers (rule 92). No token: False.
    """
    return _proved(url, fields, signature, tokens)


def json_is_genuine(*, url: str, body: str, signature: str, tokens: Sequence[str]) -> bool:
    """The same for a JSON body, whose hash must stand in the signed URL as bodySHA256 (rule 94).

    Without that name the library would raise, and with a parsed body it would skip the hash: both refused here.
    """
    if "bodySHA256" not in parse_qs(urlsplit(url).query):
        return False
    return _proved(url, body, signature, tokens)


def _proved(url: str, said: Fields | str, signature: str, tokens: Sequence[str]) -> bool:
    made: Any = RequestValidator  # the library has no types
    tried = [bool(made(token).validate(url, said, signature)) for token in tokens]
    return any(tried)  # every token was tried, so that the time taken does not tell which one signed
