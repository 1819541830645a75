"""The interface for a clinic's calendar: one address a visit, told again as often as one likes (P4, P10, P12)."""

from __future__ import annotations

import json
from functools import wraps
from typing import TYPE_CHECKING, Any

import structlog
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from worker import clock
from worker.actions.course.feed import NotAdmitted, admit
from worker.actions.course.told import Outcome, Told, tell
from worker.intake.shape import checked, without_repeats
from worker.intake.visit import VisitFile, refuse_odd_name
from worker.rules.refusal import Refusal, Refusals
from worker.web.requests import No, refuse_large
from worker.web.unavailable import needs_database

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

    from worker.actions.course.told import Taken
    from worker.models import Feed

log = structlog.get_logger("aftercare.api")
SCHEME = "Bearer "
ASK = {"WWW-Authenticate": 'Bearer realm="aftercare"', "Cache-Control": "no-store"}
PLAIN = {"Cache-Control": "no-store"}
PROBLEMS = {
    400: Refusal("body", "is no JSON object", "send one object, as docs/appointments.md shows it"),
    401: Refusal("Authorization", "holds no key of ours", 'send "Bearer KEY"; `aftercare api-key make` gives one'),
    403: Refusal("source", "is not the one that this key speaks for", "use the source that the key was made for"),
    413: Refusal("body", "is larger than 64 kB", "send one visit at a time"),
    415: Refusal("Content-Type", "is not application/json", "send JSON"),
}


def keyed(view: Callable[[HttpRequest, Feed, str, str], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """PUT alone, for whoever shows a key of that source; a refusal says what is wrong and how to mend it."""

    @login_not_required
    @csrf_exempt  # no cookie counts here, only the key
    @require_http_methods(["PUT"])
    @needs_database
    @wraps(view)
    def answer(request: HttpRequest, source: str, external_id: str = "") -> HttpResponseBase:
        try:
            feed, by = _admitted(request, source)
            return view(request, feed, by, external_id)
        except No as no:
            log.warning("api_refused", status=no.status, why=no.why)
            headers = ASK if no.status == 401 else PLAIN  # noqa: PLR2004 - what 401 asks for (RFC 9110 11.6.1)
            return _refused([PROBLEMS[no.status]], no.status, headers)
        except Refusals as refused:
            return _refused(refused.faults, 422, PLAIN)

    return answer


@keyed
def appointment(request: HttpRequest, feed: Feed, by: str, external_id: str) -> HttpResponseBase:
    """One visit as its calendar has it: 201 when it is new here, 200 when it was known, with what became of it."""
    refuse_odd_name(feed.source, external_id)
    visit = checked(VisitFile, _object(request))
    told = Told(clinic_id=feed.clinic_id, source=feed.source, external_id=external_id, visit=visit)
    taken = tell(told, by=by, now=clock.now())
    return JsonResponse(_said(taken), status=201 if taken.outcome is Outcome.CREATED else 200, headers=PLAIN)


@keyed
def heartbeat(_request: HttpRequest, _feed: Feed, _by: str, _external_id: str) -> HttpResponseBase:
    """200: the calendar is there and has nothing new; without news for long, what it said is held for old."""
    return JsonResponse({"heard": True}, headers=PLAIN)


def _admitted(request: HttpRequest, source: str) -> tuple[Feed, str]:
    """The feed of the key. Raises No (401, 403)."""
    header = request.headers.get("Authorization", "")
    if not header.startswith(SCHEME):
        raise No(401, "no_key")
    try:
        return admit(key=header.removeprefix(SCHEME).strip(), source=source, now=clock.now())
    except NotAdmitted as refused:
        raise No(403 if refused.known else 401, "wrong_key") from None


def _object(request: HttpRequest) -> Any:
    """The body as JSON. Raises No (413, 415, 400)."""
    refuse_large(request)
    if request.content_type != "application/json":
        raise No(415, "not_json")
    try:
        read = json.loads(request.body.decode(), object_pairs_hook=without_repeats)
    except (ValueError, RecursionError):
        raise No(400, "unreadable_json") from None
    if not isinstance(read, dict):
        raise No(400, "unreadable_json")
    return read


def _said(taken: Taken) -> dict[str, Any]:
    return {
        "id": taken.visit.pk,
        "outcome": taken.outcome,
        "source_version": taken.visit.source_version,
        "status": taken.visit.status,
        "starts_at": taken.visit.starts_at.isoformat(),
        "planned": len(taken.result.messages),
    }


def _refused(faults: Any, status: int, headers: dict[str, str]) -> JsonResponse:
    errors = [{"field": each.field, "problem": each.problem, "mend": each.mend} for each in faults]
    return JsonResponse({"errors": errors}, status=status, headers=headers)
