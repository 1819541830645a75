"""The page behind the link: one button that ends it all here, and below it the narrower choices (rules 64, 113)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.shortcuts import render

from worker import clock
from worker.actions.consent import preferences as wishes
from worker.actions.consent.unsubscribe import unsubscribe
from worker.models import Suppression
from worker.models.suppression import SuppressionReason
from worker.rules.names import Channel, Purpose
from worker.web.choices import Status, Way, masked_address, ways
from worker.web.no_files import left_a_file
from worker.web.pages import nothing_here
from worker.web.phrases import LANGUAGES, say, spoken, what, which
from worker.web.requests import No

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse, QueryDict

    from worker.models import Contact

STOP, EVERYTHING = "stop", "everything"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a form changed: the names of the phrases that say so, and what fills them in."""

    said: str
    values: dict[str, str] = field(default_factory=dict)
    more: str = ""
    ended: bool = True


def page(request: HttpRequest, contact: Contact) -> HttpResponse:
    """The choices of the link's client; looking changes nothing."""
    known = ways(contact)
    client = contact.client
    context = {
        **_frame(contact),
        "ended": _said_before(contact),
        "cards": [_card(client.language, way) for way in known],
        "everything": EVERYTHING if any(way.comes for way in known if way.channel != contact.channel) else "",
        "languages": [
            (code, say(code)["language_button"])
            for code in (wishes.languages(client) if known else ())
            if code in LANGUAGES and code != client.language
        ],
    }
    return render(request, "preferences.html", context)


def choose(request: HttpRequest, contact: Contact, said: QueryDict) -> HttpResponse:
    """Do what one form of the page says, and answer in plain words what changed and what still comes.

    Raises No (400), and changes nothing, for any field, value or combination that is not on this client's page.
    """
    now = clock.now()
    if said.get("confirm") == STOP:  # whatever else it says: nothing may stand in the way of a stop
        if not unsubscribe(link_key=contact.link_key, method=wishes.METHOD, now=now):
            return nothing_here(request)
        return _done(request, contact, Done(said="ended", more=_last_word(contact)))
    name, value = _only(request, said)
    done = _FORMS[name](contact, value, now) if name in _FORMS else None
    if done is None:
        raise No(400, "says_nothing")
    return _done(request, contact, done)


def _only(request: HttpRequest, said: QueryDict) -> tuple[str, str]:
    """The one field of a form. Raises No (400) for none, several, or a file."""
    pairs = [(name, value) for name, values in said.lists() for value in values]
    if len(pairs) != 1 or left_a_file(request):
        raise No(400, "says_nothing")
    return pairs[0]


def _everything(contact: Contact, value: str, now: datetime) -> Done | None:
    if value != EVERYTHING or not wishes.end_everything(contact=contact, now=now):
        return None
    return Done(said="everything", more=_last_word(contact))


def _end(contact: Contact, value: str, now: datetime) -> Done | None:
    channel, _, purpose = value.partition(".")
    if channel not in set(Channel) or purpose not in set(Purpose):
        return None
    one = Channel(channel), Purpose(purpose)
    if not wishes.end_purpose(contact=contact, channel=one[0], purpose=one[1], now=now):
        return None
    return Done(said="ended_one", values={"which": which(contact.client.language, *one)})


def _language(contact: Contact, value: str, now: datetime) -> Done | None:
    if value not in LANGUAGES or not wishes.change_language(contact=contact, language=value, now=now):
        return None
    contact.client.language = value
    return Done(said="language", ended=False)


_FORMS: dict[str, Callable[[Contact, str, datetime], Done | None]] = {
    "confirm": _everything,
    "end": _end,
    "language": _language,
}


def _said_before(contact: Contact) -> bool:
    """True once this link was used; a bounce is not her word, so the button stays."""
    used = Suppression.objects.filter(standing=contact.standing_id, reason=SuppressionReason.LINK)
    return used.filter(lifted_at__isnull=True).exists()


def _last_word(contact: Contact) -> str:
    return "last_email" if contact.channel == Channel.EMAIL else ""


def _done(request: HttpRequest, contact: Contact, done: Done) -> HttpResponse:
    frame = _frame(contact, **done.values)
    words, language = frame["say"], contact.client.language
    known = ways(contact)
    context = {
        **frame,
        "title": words[f"{done.said}_title"],
        "lead": words[f"{done.said}_lead"],
        "more": words[done.more] if done.more else "",
        "ended": done.ended,
        "is_hers": bool(known),
        "still": [_still(language, way) for way in known if way.comes],
        "back": request.path,
    }
    return render(request, "preferences_done.html", context)


def _frame(contact: Contact, **values: str) -> dict[str, Any]:
    language, clinic = contact.client.language, contact.clinic
    filled = {"clinic": clinic.name, "phone": clinic.phone, "what": what(language, Channel(contact.channel)), **values}
    if shown := masked_address(contact):
        filled["address"] = shown
    return {"language": spoken(language), "clinic": clinic, "say": say(language, **filled)}


def _card(language: str, way: Way) -> dict[str, object]:
    """One address with a line for each purpose, and a form for what can be ended there."""
    lines = []
    for each in way.choices:
        words = say(language, which=which(language, way.channel, each.purpose))
        ends = "" if each.status is Status.OFF else f"{way.channel}.{each.purpose}"
        lines.append(
            {
                "name": words[each.purpose],
                "status": each.status,
                "state": words[each.status],
                "ends": ends,
                "button": words["end_one"],
            }
        )
    return {"title": _to(language, way), "lines": lines}


def _still(language: str, way: Way) -> str:
    words = say(language)
    names = [
        words[f"some_{each.purpose}"] + (f" ({words[each.status]})" if each.status is Status.WAITING else "")
        for each in way.comes
    ]
    return f"{_to(language, way)}: {', '.join(names)}"


def _to(language: str, way: Way) -> str:
    address = {"address": way.address} if way.address else {}
    return say(language, **address)[f"{way.channel}_to"]
