"""What an email provider tells us: bounces, complaints, and what clients wrote. Shut until it has a secret."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from worker import clock
from worker.actions.mail.event import mail_event
from worker.actions.mail.incoming import mail_in
from worker.channels.reported import provider_of
from worker.rules.refusal import Refusals
from worker.web.requests import No
from worker.web.unavailable import needs_database

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

log = structlog.get_logger("aftercare.hooks")
LARGEST_REPORT = 4 * 1024 * 1024  # bytes; some providers report thousands of events at once
LARGEST_MAIL = 12 * 1024 * 1024  # bytes; with its pictures, for nobody knows before whether they hide a stop


def hook(view: Callable[[HttpRequest, str], None]) -> Callable[..., HttpResponseBase]:
    """A provider's webhook: POST, and HEAD by which some look whether we are there; no login, no cookie.

    404 for any provider but the one that EMAIL_URL names, 503 while there is no secret to check it with, 403 for who
    does not prove it, 400 and 413 for what can't be read; 503 too when it must come again.
    """

    @login_not_required
    @csrf_exempt  # the secret says who speaks; a cookie never could
    @require_http_methods(["POST", "HEAD"])
    @needs_database
    @wraps(view)
    def answer(request: HttpRequest, provider: str) -> HttpResponseBase:
        try:
            _refuse_strangers(provider)
            if request.method == "POST":
                view(request, provider)
        except Refusals as lost:
            log.error("webhook_not_taken", hook=view.__name__, why=lost.faults[0].field)
            return HttpResponse(status=503)
        except No as no:
            log.warning("webhook_refused", hook=view.__name__, status=no.status, why=no.why)
            return HttpResponse(status=no.status)
        return HttpResponse(status=200)

    return answer


@hook
def events(request: HttpRequest, provider: str) -> None:
    """Deliveries, bounces, complaints: each taken once, those of other mails left alone (rules 125 to 127)."""
    from worker.channels import anymail_in  # anymail and its views weigh 10 MB that most installations never need

    _load(request, LARGEST_REPORT)
    try:
        reported = anymail_in.events(provider, settings.EMAIL_HOOK_SECRET, request)
    except anymail_in.Forged:
        raise No(403, "not_proved") from None
    except anymail_in.Unreadable as unreadable:
        raise No(413 if unreadable.too_large else 400, "unreadable_event") from None
    ours = sum(mail_event(each, now=clock.now()) for each in reported)
    log.info("mail_events", events=len(reported), ours=ours)


@hook
def inbound(request: HttpRequest, provider: str) -> None:
    """Mails that came back, read as those of a mailbox are; only where EMAIL_INBOUND_HOOK says so (rule 124)."""
    from worker.channels import anymail_in

    if not settings.EMAIL_INBOUND_HOOK:
        raise No(404, "switched_off")
    _load(request, LARGEST_MAIL)
    try:
        mails = anymail_in.mails(provider, settings.EMAIL_HOOK_SECRET, request)
    except anymail_in.Forged:
        raise No(403, "not_proved") from None
    except anymail_in.Unreadable as unreadable:
        raise No(413 if unreadable.too_large else 400, "unreadable_mail") from None
    for raw in mails:
        now = clock.now()
        log.info("mail_in", taken_as=mail_in(raw, received_at=now, now=now))


def _refuse_strangers(provider: str) -> None:
    if provider != provider_of(settings.EMAIL_URL):
        raise No(404, "unknown_provider")
    if not settings.EMAIL_HOOK_SECRET:
        raise No(503, "no_secret")


def _load(request: HttpRequest, most: int) -> None:
    """Read a JSON body up to `most` bytes: Django's own limit is made for forms. Raises No (413)."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > most:
        raise No(413, "too_large")
    if request.content_type == "application/json":
        request._body = request.read(most)  # noqa: SLF001 - what request.body keeps
