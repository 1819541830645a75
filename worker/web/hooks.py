"""What the provider tells us: texts from clients, and receipts. Obeyed in the database before we answer (rule 33)."""

from __future__ import annotations

import re
import uuid
from functools import partial, wraps
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from worker import clock, meters
from worker.actions.receive.receipt import receipt
from worker.actions.receive.reply import Reply
from worker.actions.receive.sms import take
from worker.channels.twilio_signature import Fields, form_is_genuine, json_is_genuine
from worker.models import Attempt
from worker.rules.phone import bare_address
from worker.rules.refusal import Refusals
from worker.web import accounts, obeyed
from worker.web.requests import No, form_pairs, json_text, refuse_large, word
from worker.web.straight import straight
from worker.web.unavailable import needs_database, once_more

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

    Said = dict[str, str]

log = structlog.get_logger("aftercare.hooks")
LONGEST_ID, LONGEST_STATUS, LONGEST_CODE = 80, 24, 40
NO_ERROR = ("", "0")
_ATTEMPT = re.compile("[0-9a-f]{32}")


def signed(view: Callable[[HttpRequest, Said], HttpResponse]) -> Callable[[HttpRequest], HttpResponseBase]:
    """A webhook: POST alone, no login, no cookie, and nothing before its signature is checked (rules 91, 101)."""

    @straight
    @login_not_required
    @csrf_exempt  # the signature says who speaks; a cookie never could
    @require_POST
    @needs_database
    @once_more  # the provider's id counts once
    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponseBase:
        try:
            return view(request, genuine(request))
        except Refusals as lost:
            log.error("webhook_not_taken", hook=view.__name__, why=lost.faults[0].field)
            return HttpResponse(status=503)
        except No as no:
            log.warning("webhook_refused", hook=view.__name__, status=no.status, why=no.why)
            return HttpResponse(status=no.status)

    return answer


def genuine(request: HttpRequest) -> Said:
    """What the provider said, once its signature is proved; the first of repeated names counts.

    Raises No: 413 and 400 for what can't be read, 403 unsigned or forged, 503 while we hold no token to check with.
    """
    refuse_large(request)
    signature = request.headers.get("X-Twilio-Signature")
    if not signature:
        raise No(403, "no_signature")
    url = public_url(request)
    if request.content_type == "application/json":
        text, said = json_text(request)
        proof = partial(json_is_genuine, url=url, body=text, signature=signature)
    else:
        pairs = form_pairs(request)
        said = dict(reversed(pairs))
        proof = partial(form_is_genuine, url=url, fields=Fields(pairs), signature=signature)
    if not proof(tokens=_tokens(said)):
        accounts.forget(said["AccountSid"])  # a token that was added a moment ago counts too
        if not proof(tokens=_tokens(said)):
            raise No(403, "bad_signature")
    return said


def public_url(request: HttpRequest) -> str:
    """The URL as the provider knows it: the configured base, the path and the query, no header (rule 92)."""
    query = request.META.get("QUERY_STRING", "")
    return f"{settings.PUBLIC_URL}{request.path_info}{'?' if query else ''}{query}"


def _tokens(said: Said) -> list[str]:
    tokens = accounts.tokens_of(said.get("AccountSid", ""))
    if tokens is None:
        raise No(403, "unknown_account")
    if not tokens:
        raise No(503, "no_token")
    return tokens


@signed
def twilio_inbound(_request: HttpRequest, said: Said) -> HttpResponse:
    """A text from a client: obeyed and committed, then answered with an empty document (rules 19, 23, 96).

    404 for a number that is no sender of ours. A sender without address is answered and stored nowhere.
    """
    sender = accounts.sender_of(said)
    if sender is None:
        raise No(404, "unknown_sender")
    address = bare_address(said.get("From", ""))
    if not address:
        log.warning("inbound_without_address", clinic=sender.clinic_id)
        return _empty_answer()
    reply = Reply(
        clinic_id=sender.clinic_id,
        provider_id=word(said.get("MessageSid", ""), LONGEST_ID),
        address=address,
        body=said.get("Body", ""),
        opt_out_type=said.get("OptOutType", ""),
        provider_answers=sender.provider_handles_optout,
    )
    with obeyed.first():
        reading = take(reply, now=clock.now())
    if reading.kind.revokes:
        meters.stop_holds()  # what follows from it is counted later, in no request of its own
    log.info("inbound", clinic=sender.clinic_id, read_as=reading.kind.value)
    return _empty_answer(obeyed.Obeyed if reading.kind.revokes else HttpResponse)


def _empty_answer(kind: type[HttpResponse] = HttpResponse) -> HttpResponse:
    return kind("<Response/>", content_type="text/xml")


@signed
def twilio_status(request: HttpRequest, said: Said) -> HttpResponse:
    """A receipt for the attempt that `d` names (rule 79): 204, or 404 when it is not this account's (rule 100)."""
    attempt_id = _attempt(request.GET.get("d", ""), said)
    known = receipt(
        attempt_id=attempt_id,
        provider_id=word(said.get("MessageSid", ""), LONGEST_ID),
        status=word(said.get("MessageStatus", ""), LONGEST_STATUS),
        code=word(said["ErrorCode"], LONGEST_CODE) if said.get("ErrorCode", "0") not in NO_ERROR else "",
        raw=said,
        now=clock.now(),
    )
    if not known:
        raise No(404, "unknown_attempt")
    return HttpResponse(status=204)


def _attempt(written: str, said: Said) -> uuid.UUID:
    """The id of the attempt, once it is one of this account and of this very message. Raises No (404)."""
    if not _ATTEMPT.fullmatch(written):
        raise No(404, "unknown_attempt")
    attempt_id = uuid.UUID(written)
    found = Attempt.objects.filter(pk=attempt_id).values_list("clinic_id", "provider_id").first()
    if found is None:
        raise No(404, "unknown_attempt")
    clinic_id, provider_id = found
    if not accounts.belongs(said["AccountSid"], clinic_id):
        raise No(404, "foreign_account")
    if provider_id and provider_id != said.get("MessageSid"):
        raise No(404, "foreign_message")
    return attempt_id
