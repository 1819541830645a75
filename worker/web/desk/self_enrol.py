"""A code on the desk's screen, and behind it her own form: she reads, ticks and signs on her phone (rule 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from worker import clock
from worker.actions.clients import self_enrol
from worker.intake.client import ClientFile
from worker.intake.shape import checked
from worker.reading import wording_choice
from worker.reading.approved import approved
from worker.rules.refusal import Refusals
from worker.web.desk.enrol import enrol_page, named
from worker.web.desk.enrol_form import EnrolForm, as_file, form_of
from worker.web.desk.frame import page, refused
from worker.web.desk.navigation import DESK
from worker.web.headers import private
from worker.web.pages import nothing_here
from worker.web.unavailable import needs_database

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

    from worker.actions.clients.self_enrol import Begun
    from worker.web.desk.frame import DeskRequest

DESKS = ("protocol", "treated_day", "treated_time", "practitioner", "session_day", "session_time", "zone", "language",
         "external_id", "health_data_basis")  # fmt: skip
"""What only the desk can know; she fills in all else."""
KNOWN = (*DESKS, "name", "phone", "email")


@page(*DESK, writes=True)
def show(request: DeskRequest) -> HttpResponse:
    """From the form as far as it is filled in, to a code for her phone."""
    if request.method != "POST":
        return redirect("enrol")
    form = form_of(request, clock.now())
    form.is_valid()
    if set(form.errors) & set(DESKS):
        answer: HttpResponse = enrol_page(request)
        return answer
    fields = {name: str(form.data.get(name, "")) for name in KNOWN}
    token = self_enrol.begin(staff=request.user, fields=fields)
    link = f"{settings.PUBLIC_URL}/e/{token}"
    context = {"link": link, "minutes": self_enrol.MINUTES, "external_id": fields["external_id"]}
    return render(request, "desk/self_enrol.html", context)


@page(*DESK, writes=True)
def wait(request: DeskRequest) -> HttpResponse:
    """Has she finished? The desk's page asks every other second, or somebody presses the button."""
    client = self_enrol.enrolled(request.clinic, request.POST.get("external_id", ""))
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(f"/clients/{client.pk}" if client else "", content_type="text/plain")
    if client:
        return redirect("clients_client", client.pk)
    return render(
        request, "desk/self_enrol.html", {"external_id": request.POST.get("external_id", ""), "waiting": True}
    )


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@private
@needs_database
def fill_in(request: HttpRequest, token: str) -> HttpResponse:
    """Her own form. 404, in the same words, for a link that is forged, used or older than a quarter of an hour."""
    begun = self_enrol.begun(token)
    if begun is None:
        return nothing_here(request)
    with translation.override(begun.fields.get("language") or begun.clinic.language):
        return _hers(request, begun, clock.now())


def _hers(request: HttpRequest, begun: Begun, now: datetime) -> HttpResponse:
    words = wording_choice.words(begun.clinic)
    form = _form(request, begun, now)
    if request.method == "POST" and form.is_valid():
        raw = as_file(form, words, by=begun.staff.email, device=_device(request))
        try:
            made = self_enrol.end(begun=begun, file=checked(ClientFile, raw), now=now)
        except Refusals as refusals:
            refused(form, Refusals(named(fault) for fault in refusals.faults))
        else:
            context = {"clinic": begun.clinic, "many": len(made.result.messages), "asked": made.asked}
            return render(request, "desk/self_done.html", context)
    language = translation.get_language() or "en"
    shown = [each for each in words.values() if each.language == language[:2] and "holder" not in each.code]
    context = {
        "form": form,
        "clinic": begun.clinic,
        "wordings": sorted(shown, key=lambda each: each.code, reverse=True),
    }
    return render(request, "desk/self_form.html", context)


def _form(request: HttpRequest, begun: Begun, now: datetime) -> EnrolForm:
    """The desk's fields cannot be changed from her phone, and she is no one's holder."""
    data: Any = None
    if request.method == "POST":
        data = request.POST.copy()
        for name in (*DESKS, "holder_name", "holder_relationship", "minor"):
            data[name] = begun.fields.get(name, "")
        data["method"] = "web"
    versions = approved(begun.clinic, now=now)
    staff = list(begun.clinic.staff.filter(is_active=True))
    form = EnrolForm(data, clinic=begun.clinic, versions=versions, staff=staff, now=now, language="en")
    form.signs = True
    if data is None:
        form.initial = {**form.initial} | {name: begun.fields.get(name, "") for name in ("name", "phone", "email")}
    return form


def _device(request: HttpRequest) -> str:
    """Evidence of a signature on her own device: its address and what its browser says of itself (rule 2)."""
    agent = request.headers.get("User-Agent", "")[:200]
    return _("%(agent)s from %(address)s") % {"agent": agent, "address": request.META.get("REMOTE_ADDR", "")}
