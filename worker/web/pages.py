"""The small pages that several views answer with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from worker.web.phrases import ENGLISH, SPANISH, say

if TYPE_CHECKING:
    from django.http import HttpRequest


@login_not_required
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """What this is, for whoever types the bare address; staff who are signed in come to their day."""
    if request.user.is_authenticated:
        return redirect("today")
    sandbox = settings.SANDBOX_URL if settings.ALL_SANDBOX else ""
    return render(request, "start.html", {"language": ENGLISH, "sandbox_url": sandbox})


@login_not_required
@require_safe
def no_icon(_request: HttpRequest) -> HttpResponse:
    """204: browsers ask for an icon of their own accord, and a 404 each time would bury the log's real ones."""
    return HttpResponse(status=204, headers={"Cache-Control": "max-age=86400"})


def nothing_here(request: HttpRequest) -> HttpResponse:
    """404 for a link that is forged, cut off or ended: the same words for each, naming no one (P10)."""
    both = [(language, say(language)) for language in (ENGLISH, SPANISH)]
    return render(request, "gone.html", {"language": ENGLISH, "both": both}, status=404)


@login_not_required
def stale(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django names it, nobody needs it
    """403 for a form that was open too long, or came from elsewhere: nothing was changed, and how to go on."""
    return render(request, "stale.html", status=403)
