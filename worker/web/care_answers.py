"""What a client taps on her care page: taken once, a red answer before a person at once, approved words back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from worker import clock
from worker.actions.converse.checkin import answer_checkin
from worker.rules.refusal import Refusals
from worker.web.care import shown
from worker.web.care_plan import Course, opened
from worker.web.headers import private
from worker.web.pages import nothing_here
from worker.web.requests import No, refuse_large
from worker.web.unavailable import needs_database

if TYPE_CHECKING:
    from django.http import HttpRequest


@login_not_required
@csrf_exempt  # no cookie may be needed, and what it does is only ever what the link's holder may do
@require_POST
@private
@needs_database
def answers(request: HttpRequest, token: str) -> HttpResponseBase:
    """Yes or no to every question of the link's step; half an answer changes nothing and is shown again (P12).

    404 for a link that is forged, ended or erased; 400 for a form that can't be read.
    """
    found = opened(token)
    if found is None:
        return nothing_here(request)
    link, ordinal = found
    course = Course(link)
    rule = course.rule(ordinal)
    if rule is None:
        return nothing_here(request)
    try:
        said = _read(request)
    except No as no:
        return HttpResponse(status=no.status)
    try:
        told = answer_checkin(link_id=link.pk, step_code=rule.code, answers=said, now=clock.now())
    except Refusals as refusals:
        faults = {each.field for each in refusals.faults}
        return shown(request, token, link, ordinal, said=said, faults=faults)
    return shown(request, token, link, ordinal, thanks=course.told(red=told.red), red=told.red)


def _read(request: HttpRequest) -> dict[str, str]:
    """The form, each name once. Raises No (400, 413)."""
    refuse_large(request)
    try:
        return {name: value for name, value in request.POST.items() if isinstance(value, str)}
    except MultiPartParserError:
        raise No(400, "unreadable_form") from None
