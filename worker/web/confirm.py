"""Behind the link of an opt-in question by email: looking changes nothing, only the press of yes counts (rule 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from worker import clock, tokens
from worker.actions.consent.optin import is_open, press_yes
from worker.models import Contact, Grant
from worker.models.standing import GrantState
from worker.rules.names import Channel
from worker.web.care import dial
from worker.web.choices import masked_address
from worker.web.headers import private
from worker.web.no_files import left_a_file
from worker.web.pages import nothing_here
from worker.web.phrases import say, spoken, what
from worker.web.requests import No, refuse_large
from worker.web.unavailable import needs_database

if TYPE_CHECKING:
    from django.http import HttpRequest

YES = {"confirm": ["yes"]}


@login_not_required
@csrf_exempt  # no cookie may be needed, and what it does is only ever what the link's holder may do
@require_http_methods(["GET", "HEAD", "POST"])
@private
@needs_database
def confirm(request: HttpRequest, token: str) -> HttpResponseBase:
    """GET and HEAD show what would be agreed to; a POST that says yes agrees, once.

    404 for a token that is none of ours, or an address that is no longer hers; 400, and no effect, for a POST that
    does not say yes.
    """
    contact = _contact(token)
    if contact is None:
        return nothing_here(request)
    if request.method != "POST":
        return _page(request, contact, "yes" if is_open(contact, clock.now()) else _otherwise(contact))
    try:
        _must_say_yes(request)
    except No as no:
        return HttpResponse(status=no.status)
    agreed = press_yes(contact=contact, now=clock.now())
    return _page(request, contact, "agreed" if agreed else _otherwise(contact))


def _contact(token: str) -> Contact | None:
    named = tokens.read("y", token)
    if named is None:
        return None
    found = Contact.objects.select_related("clinic", "client", "standing")
    return found.filter(link_key=named.key, valid_to__isnull=True, address_sealed__isnull=False).first()


def _must_say_yes(request: HttpRequest) -> None:
    """Refuse whatever is not exactly one field with one word. Raises No (400, 413)."""
    refuse_large(request)
    try:
        said = dict(request.POST.lists())
    except MultiPartParserError:
        raise No(400, "unreadable_form") from None
    if said != YES or left_a_file(request):
        raise No(400, "says_nothing")


def _otherwise(contact: Contact) -> str:
    """What to say when there is nothing to agree to: it stands already, or its time is over."""
    active = Grant.objects.filter(client=contact.client_id, standing=contact.standing_id, state=GrantState.ACTIVE)
    stands = contact.standing.suppressed_at is None and active.exists()
    return "agreed" if stands else "yes_over"


def _page(request: HttpRequest, contact: Contact, said: str) -> HttpResponse:
    language, clinic = contact.client.language, contact.clinic
    filled = {"clinic": clinic.name, "phone": clinic.phone, "what": what(language, Channel(contact.channel))}
    if shown := masked_address(contact):
        filled["address"] = shown
    words = say(language, **filled)
    context = {
        "language": spoken(language),
        "clinic": clinic,
        "say": words,
        "dial": dial(clinic),
        "title": words[f"{said}_title"],
        "lead": words[f"{said}_lead"],
        "open": said == "yes",
    }
    return render(request, "confirm.html", context)
