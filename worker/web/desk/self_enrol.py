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
from worker.actions.clients.enrol_check import Faults, refuse_odd_moments
from worker.intake.client import ClientFile
from worker.intake.shape import checked
from worker.reading import wording_choice
from worker.reading.approved import approved
from worker.rules.refusal import Refusals
from worker.web.desk.enrol import SAME, ask_whether_same, desk_of, named, sent_before, shown
from worker.web.desk.enrol_form import EnrolForm, as_file
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
KNOWN = (*DESKS, "another", "name", "phone", "email")


@page(*DESK, writes=True)
def show(request: DeskRequest) -> HttpResponse:
    """From the form as far as it is filled in, to a code for her phone."""
    if request.method != "POST":
        return redirect("enrol")
    now = clock.now()
    if (before := sent_before(request)) is not None:
        return before
    desk = desk_of(request, now)
    form = desk.form
    same = ask_whether_same(request.clinic, form)
    if not _is_begun(form, now, same=bool(same)):
        return shown(request, desk, now, same=same, asked=True)
    fields = {name: str(form.data.get(name, "")) for name in KNOWN}
    token = self_enrol.begin(staff=request.user, fields=fields)
    link = f"{settings.PUBLIC_URL}/e/{token}"
    context = {"link": link, "minutes": self_enrol.MINUTES, "external_id": fields["external_id"]}
    return render(request, "desk/self_enrol.html", context)


def _is_begun(form: EnrolForm, now: datetime, *, same: bool) -> bool:
    """True when nothing is left that only the desk can mend: on her phone it would be a dead end."""
    form.is_valid()
    faults = Faults()
    refuse_odd_moments(form.moment("treated"), form.moment("session"), faults, now)
    if faults.found:
        refused(form, Refusals(named(fault) for fault in faults.found))
    if same and not form.data.get("another"):
        form.add_error("another", SAME)
    for name in set(form.errors) - {*DESKS, "another"}:
        del form.errors[name]  # hers to fill in
    return not form.errors


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
    if self_enrol.enrolled(begun.clinic, begun.fields["external_id"]):
        return render(request, "desk/self_done.html", {"clinic": begun.clinic, "known": True})
    if request.method == "POST" and form.is_valid() and _is_new(form, begun):
        raw = as_file(form, words, by=begun.staff.email, device=_device(request))
        try:
            made = self_enrol.end(begun=begun, file=checked(ClientFile, raw), now=now)
        except Refusals as refusals:
            refused(form, Refusals(named(fault) for fault in refusals.faults))
        else:
            context = {"clinic": begun.clinic, "many": len(made.result.messages), "asked": made.asked}
            return render(request, "desk/self_done.html", context)
    _to_the_desk(form)
    language = translation.get_language() or "en"
    fitting = [each for each in words.values() if each.language == language[:2] and "holder" not in each.code]
    context = {
        "form": form,
        "clinic": begun.clinic,
        "wordings": sorted(fitting, key=lambda each: each.code, reverse=True),
    }
    return render(request, "desk/self_form.html", context)


def _is_new(form: EnrolForm, begun: Begun) -> bool:
    """False for an address that is enrolled already and that the desk has not called another person's (P4)."""
    if begun.fields.get("another") or not ask_whether_same(begun.clinic, form):
        return True
    form.add_error("another", SAME)
    return False


def _to_the_desk(form: EnrolForm) -> None:
    """What is wrong with a field that she can't see is said above the form."""
    unseen = [name for name in (*DESKS, "another") if form.errors.pop(name, None)]
    if unseen:
        form.add_error(None, _("Please ask at the desk: there is something that only the clinic can mend."))


def _form(request: HttpRequest, begun: Begun, now: datetime) -> EnrolForm:
    """The desk's fields cannot be changed from her phone, and she is no one's holder."""
    data: Any = None
    if request.method == "POST":
        data = request.POST.copy()
        for name in (*DESKS, "another", "holder_name", "holder_relationship", "minor"):
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
