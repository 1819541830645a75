"""Behind the link of every email: the one-click POST of a mail program (RFC 8058), and the door to the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from worker import clock, tokens
from worker.actions.consent.unsubscribe import unsubscribe
from worker.models import Contact
from worker.web import preferences
from worker.web.headers import private
from worker.web.pages import nothing_here
from worker.web.requests import No, refuse_large
from worker.web.unavailable import needs_database

if TYPE_CHECKING:
    from django.http import HttpRequest, QueryDict

ONE_CLICK = "one_click"


@login_not_required
@csrf_exempt  # rule 112: no cookie may be needed, and what it does is only ever what the link's holder may do
@require_http_methods(["GET", "HEAD", "POST"])
@private
@needs_database
def leave(request: HttpRequest, token: str) -> HttpResponseBase:
    """GET and HEAD show the page and change nothing; only a POST acts, at once (rules 112, 113).

    404 for a token that is none of ours; 400, and no effect, for a POST that does not say what it wants.
    """
    contact = _contact(token)
    if contact is None:
        return nothing_here(request)
    known = contact.address_sealed is not None  # erased: no page, but the link ends what is sent there today (rule 62)
    if request.method != "POST":
        return preferences.page(request, contact) if known else nothing_here(request)
    try:
        said = _form(request)
        if said.get("List-Unsubscribe", "").strip() == "One-Click":
            return _one_click(request, contact)
        return preferences.choose(request, contact, said) if known else nothing_here(request)
    except No as no:
        return HttpResponse(status=no.status)


def _contact(token: str) -> Contact | None:
    named = tokens.read("u", token)
    if named is None:
        return None
    found = Contact.objects.select_related("clinic", "client")
    return found.filter(link_key=named.key).first()


def _form(request: HttpRequest) -> QueryDict:
    """The form, in either encoding that RFC 8058 3.2 names. Raises No (400, 413)."""
    refuse_large(request)
    try:
        return request.POST
    except MultiPartParserError:
        raise No(400, "unreadable_form") from None


def _one_click(request: HttpRequest, contact: Contact) -> HttpResponse:
    if not unsubscribe(link_key=contact.link_key, method=ONE_CLICK, now=clock.now()):
        return nothing_here(request)
    return HttpResponse("Done.\n", content_type="text/plain")  # a program reads it, and follows no redirect
