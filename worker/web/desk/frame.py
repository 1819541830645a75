"""What every page shares: who may open it, whose rows it sees, how it says no, done and undo (P10, P12).

A page that nobody decorated answers to nobody: LoginRequiredMiddleware turns strangers away, and `page` is the only
way to a role.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from worker.models import Staff
from worker.rules.refusal import Refusal, Refusals
from worker.web.headers import private
from worker.web.refusal_words import told
from worker.web.unavailable import needs_database

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.forms import Form
    from django.http import HttpResponse, HttpResponseBase, QueryDict

    from worker.models import Clinic
    from worker.models.staff import Role

M = TypeVar("M", bound=Model)


class DeskRequest(HttpRequest):
    """A request of somebody who is signed in; `clinic` is the only one whose rows she may see."""

    user: Staff
    clinic: Clinic
    now: Any


def page(*roles: Role, writes: bool = False, again: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """A view for staff who hold one of `roles`; anybody else is told that it is not hers (403).

    GET and HEAD, and POST where it `writes`. With `again` a POST asks for the password or the second factor once
    more when that was more than five minutes ago: for approval, export and erasure.
    """
    wanted = frozenset(roles)

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        asking = reauthentication_required(view, allow_get=True) if again else view
        inner = require_http_methods(["GET", "HEAD", "POST"] if writes else ["GET", "HEAD"])(asking)

        @private
        @needs_database
        @wraps(view)
        def answer(request: DeskRequest, **captured: Any) -> HttpResponseBase:
            if not isinstance(request.user, Staff) or not request.user.held & wanted:
                raise PermissionDenied
            request.clinic = request.user.clinic
            found: HttpResponseBase = inner(request, **captured)
            return found

        answer.roles = wanted  # type: ignore[attr-defined] # what the isolation test compares with
        return answer

    return decorate


def hers(request: DeskRequest, rows: QuerySet[M], **named: Any) -> M:
    """One row of this clinic; 404 in the same words for a row of another clinic and for none (P10).

    `rows` is a query set over a model with a `clinic`.
    """
    found = rows.filter(clinic=request.clinic, **named).first()
    if found is None:
        raise Http404
    return found


def refused(form: Form, refusals: Refusals | Refusal, *, names: dict[str, str] | None = None) -> None:
    """Put each fault beside the field it speaks of, or above the form, in the language of the page (P12).

    `names` leads from the field names of the action to those of the form.
    """
    faults = refusals.faults if isinstance(refusals, Refusals) else (refusals,)
    for fault in faults:
        field = (names or {}).get(fault.field, fault.field)
        said = f"{told(fault.problem)}; {told(fault.mend)}"
        if field in form.fields:
            form.add_error(field, said)
        else:
            form.add_error(None, f"{fault.field}: {said}")


def sent(request: HttpRequest) -> QueryDict | None:
    """What a form was sent with; None for a page that is only looked at."""
    return request.POST if request.method == "POST" else None


def done(request: HttpRequest, said: str, to: str, *args: Any, undo: str = "") -> HttpResponse:
    """After a press: say what happened, offer the undo where there is one, and show the page that it changed.

    `undo` is an address that takes the change back by POST; the form of its button sends `undo=1`.
    """
    messages.success(request, said, extra_tags=f"undo:{undo}" if undo else "")
    return redirect(to, *args)
