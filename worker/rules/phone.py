"""Phone numbers as clients give them, as the network wants them, and as operators may see them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker.rules.local_time import zones_of_country
from worker.rules.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection

    from phonenumbers import PhoneNumber

LONGEST = 40  # characters as written; E.164 allows 15 digits

# Numbers no one has: North America NXX 555-0100..0199 (800 and its like stay toll-free, 900 stays dear), and
# Ofcom's drama numbers (rule 131).
# Drama and test ranges, and the numbers that Twilio's test credentials answer for (rules 90, 131).
_FICTION = re.compile(r"\+(?:1(?!8(\d)\1|900)[2-9]\d{2}55501\d{2}|441632960\d{3}|447700900\d{3}|15005550\d{3})")
_FLORIDA = re.compile(
    r"\+1(?:239|305|321|324|352|386|407|448|561|645|656|689|727|728|754|772|786|813|850|863|904|941|954)"
)
_WRITTEN = re.compile(r"\(?\+?[\d\s()./-]*\d[\d\s()./-]*")
_EXTENSION = re.compile(r"\d\D*?(?:ext?n?\b|anexo|int|[x#;,*~])\D*\d", re.IGNORECASE)

# Islands and territories that share the number plan of the country named, at the same price (rule 130).
_SHARES_PLAN = {"GG": "GB", "JE": "GB", "IM": "GB", "CC": "AU", "CX": "AU", "VA": "IT", "SJ": "NO", "AX": "FI"}

_CODES_1 = frozenset("17")
_CODES_2 = re.compile(r"2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]")
_DOTS = "\u2022" * 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """One number as stored: what is dialled, where it was read, and what was written (rule 129).

    Args:
        e164: "+" and at most 15 digits.
        region_hint: the ISO country by which `raw` was read; says nothing of law or of "mobile" (rule 130).
        raw: as given, for the proof of consent.
        warnings: doubts for staff to settle; none of them is stored as a fact, since metadata ages.
    """

    e164: str
    region_hint: str
    raw: str
    warnings: tuple[str, ...] = ()


def parse_phone(
    raw: str, region: str, *, allow_fiction: bool, field: str = "phone", countries: Collection[str] | None = None
) -> Phone:
    """Read one number that can get an SMS (rules 75, 129, 130, 131).

    Args:
        raw: as written; any decimal digits, no extension.
        region: ISO country of the clinic, by which a number without "+" is read.
        allow_fiction: True outside production; fiction ranges then pass, else they are refused.
        field: the field named in a refusal.
        countries: ISO countries the clinic may text (rule 75); None allows all.

    Raises:
        Refusal: naming `field` (or "region") and the mend, never the number.
    """
    import phonenumbers  # 119 MB once all of it is loaded: never in a worker

    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise Refusal("region", "is no known country", 'give the clinic\'s country as two capitals, e.g. "US"')
    try:
        number = phonenumbers.parse(_plain(raw, field), region)
    except phonenumbers.NumberParseException:
        raise Refusal(field, "is no phone number", "write it with area code, or with + and country code") from None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    _refuse_country(number, countries, field)
    if is_fiction(e164):
        _refuse_fiction(field, allow_fiction=allow_fiction)
        return Phone(e164=e164, region_hint=region, raw=raw)
    return Phone(e164=e164, region_hint=region, raw=raw, warnings=_doubts(number, field))


def is_fiction(e164: str) -> bool:
    """True for a number set aside for drama and tests, which no one answers (rule 131)."""
    return _FICTION.fullmatch(e164) is not None


def _refuse_fiction(field: str, *, allow_fiction: bool) -> None:
    if not allow_fiction:
        raise Refusal(field, "is a number reserved for fiction", "give the client's own number")


def _plain(raw: str, field: str) -> str:
    """Reduce to ASCII digits and number punctuation, or refuse; unseen marks of a copied contact fall away."""
    if len(raw) > LONGEST:
        raise Refusal(field, "is too long for a phone number", "give one number")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in raw):
        raise Refusal(field, "has a control character", "type the number again")
    seen = "".join(character for character in raw if unicodedata.category(character) != "Cf")
    text = "".join(_ascii(character) for character in unicodedata.normalize("NFKC", seen)).strip()
    if _EXTENSION.search(text):
        raise Refusal(field, "has an extension", "give a direct number: a text cannot dial an extension")
    if not _WRITTEN.fullmatch(text):
        raise Refusal(field, "is no phone number", "use digits, spaces and one leading +")
    return text


def _ascii(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return "-" if unicodedata.category(character) == "Pd" or character == "\u2212" else character


def _refuse_country(number: PhoneNumber, countries: Collection[str] | None, field: str) -> None:
    import phonenumbers

    regions = phonenumbers.region_codes_for_country_code(number.country_code or 0)
    if regions in {(), ("001",)}:
        raise Refusal(field, "belongs to no country", "give a national mobile number")
    if countries is None:
        return
    region = phonenumbers.region_code_for_number(number)
    allowed = set(countries)
    if (region is None and allowed.isdisjoint(regions)) or (
        region is not None and region not in allowed and _SHARES_PLAN.get(region) not in allowed
    ):
        raise Refusal(field, "is in a country this clinic does not text", "add the country to the clinic first")


def _doubts(number: PhoneNumber, field: str) -> tuple[str, ...]:
    """Refuse what can get no SMS at all, and return what is merely doubtful."""
    import phonenumbers
    from phonenumbers import PhoneNumberType as Kind

    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise Refusal(field, "has too few or too many digits", "give it in full, with area code")
    kind = phonenumbers.number_type(number)
    costly = {Kind.TOLL_FREE, Kind.PREMIUM_RATE, Kind.SHARED_COST, Kind.UAN, Kind.PAGER, Kind.VOICEMAIL}
    if kind in costly or kind == Kind.PERSONAL_NUMBER:
        raise Refusal(field, "is a service number", "give the client's own mobile number")
    doubts = ["may not exist: check it with the client"] if not phonenumbers.is_valid_number(number) else []
    if kind == Kind.FIXED_LINE:
        doubts.append("looks like a landline: texts may not arrive")
    return tuple(doubts)


def zones_of(e164: str) -> tuple[str, ...]:
    """Return every IANA zone the number could be in, sorted; () when nobody knows (rule 47).

    Where the number's own digits tell nothing (a British mobile), those of every country with its calling code.

    Raises:
        ValueError: when `e164` is no E.164 number.
    """
    import phonenumbers
    from phonenumbers import timezone

    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        raise ValueError("not an E.164 number") from None
    named = set(timezone.time_zones_for_number(number)) - {timezone.UNKNOWN_TIMEZONE}
    regions = phonenumbers.region_codes_for_country_code(number.country_code or 0)
    return tuple(sorted(named or {each for region in regions for each in zones_of_country(region)}))


def presumed_zones(e164: str) -> tuple[str, ...]:
    """The zones that a statute presumes from the number: Florida's do, for Florida's area codes (rule 47)."""
    return zones_of(e164) if _FLORIDA.match(e164) else ()


def masked(e164: str) -> str:
    """Show a number to operators as country code and last four digits: ``+1•••••2671`` (rule 67, P9).

    At least as many digits stay hidden as are shown, and the count of dots says nothing.
    """
    digits = e164[1:]
    if e164[:1] != "+" or not (digits.isascii() and digits.isdigit()):
        return _DOTS
    code = digits[:1] if digits[0] in _CODES_1 else digits[: 2 if _CODES_2.match(digits) else 3]
    shown = min(4, (len(digits) - len(code)) // 2)
    return f"+{code}{_DOTS}{digits[len(digits) - shown :]}"


def bare_address(written: str) -> str:
    """The number behind "whatsapp:" or "rcs:": a STOP there ends texts as well, as the provider has it (rule 26)."""
    return written.strip().rpartition(":")[2]
