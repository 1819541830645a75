"""Enrol on one page: who she is, what she agreed to in which words, what was done, and what that will bring her."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from worker import clock
from worker.actions.clients.enrol import Enrolled, enrol
from worker.intake.client import ClientFile
from worker.intake.shape import checked
from worker.models import Client
from worker.reading import directory, wording_choice
from worker.reading.preview import Asked, Preview, preview
from worker.rules.address import normalise_email
from worker.rules.clocks import clocks
from worker.rules.phone import parse_phone
from worker.rules.refusal import Refusal, Refusals
from worker.web.desk.enrol_form import EnrolForm, as_file, form_of, soonest
from worker.web.desk.frame import done, page, refused
from worker.web.desk.navigation import DESK

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpResponse

    from worker.models import Clinic, ProtocolVersion, Wording
    from worker.reading.directory import Found
    from worker.web.desk.frame import DeskRequest

Words = dict[tuple[str, str], "Wording"]
NAMES = {
    "zone": "zone", "holder.name": "holder_name", "holder.relationship": "holder_relationship", "holder": "holder_name",
    "treatment.performed_at": "treated_day", "treatment.protocol": "protocol", "treatment.practitioner": "practitioner",
    "appointment.starts_at": "session_day", "appointment.protocol": "protocol", "signature": "signed_name",
}  # fmt: skip
"""From the names of the enrolment file to those of the form."""
SAME = gettext_lazy("is needed: somebody with this address is enrolled already")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the form is made of, read once a request."""

    versions: list[ProtocolVersion]
    words: Words
    form: EnrolForm


@page(*DESK, writes=True)
def enrol_page(request: DeskRequest) -> HttpResponse:
    """The page; a POST enrols, or with `preview` pressed shows what would come, or says what to mend."""
    now = clock.now()
    desk = desk_of(request, now)
    context: dict[str, Any] = {}
    if request.method == "POST":
        valid = desk.form.is_valid()
        if (again := sent_before(request)) is not None:
            return again
        same = ask_whether_same(request.clinic, desk.form)
        if "preview" not in request.POST and valid:
            if same and not desk.form.cleaned_data["another"]:
                desk.form.add_error("another", SAME)
            elif (answer := _enrol(request, desk, now)) is not None:
                return answer
        context = {"same": same, "asked": True}
    return shown(request, desk, now, **context)


def shown(request: DeskRequest, desk: Desk, now: datetime, **more: Any) -> HttpResponse:
    """The page, with what is marked in the form."""
    return render(request, "desk/enrol.html", {**_context(request, desk, now), **more})


@page(*DESK, writes=True)
def enrol_preview(request: DeskRequest) -> HttpResponse:
    """The preview alone, for the script that keeps it up to date while one types; writes nothing."""
    now = clock.now()
    desk = desk_of(request, now)
    desk.form.is_valid()
    context = {**_context(request, desk, now), "same": ask_whether_same(request.clinic, desk.form)}
    return render(request, "desk/_preview.html", context)


def desk_of(request: DeskRequest, now: datetime) -> Desk:
    """The form as it was sent, or a new one, and what it stands on."""
    form = form_of(request, now)
    return Desk(versions=list(form.versions.values()), words=wording_choice.words(request.clinic), form=form)


def _enrol(request: DeskRequest, desk: Desk, now: datetime) -> HttpResponse | None:
    """Enrol, and go to her page; None when it was refused, each fault beside its field."""
    form = desk.form
    try:
        made = enrol(checked(ClientFile, as_file(form, desk.words, by=request.user.email)), now=now)
    except Refusals as refusals:
        refused(form, Refusals(named(fault) for fault in refusals.faults))
        return None
    return done(request, _told(made), "clients_client", made.client.pk)


def sent_before(request: DeskRequest) -> HttpResponse | None:
    """To the client whom this very page has enrolled already."""
    before = Client.objects.filter(clinic=request.clinic, external_id=request.POST.get("external_id", "")).first()
    if before is None:
        return None
    messages.info(request, _("This form was sent before, and she is enrolled. For another client open a new one."))
    return redirect("clients_client", before.pk)


def named(fault: Refusal) -> Refusal:
    """The fault under the name of the form's own field."""
    field = NAMES.get(fault.field, fault.field)
    if field.startswith("consents."):
        field = "method"
    return Refusal(field, fault.problem, fault.mend)


def _told(made: Enrolled) -> str:
    many = len(made.result.messages)
    name = {"name": directory.name_of(made.client), "many": many}
    if made.asked:
        return _("%(name)s is enrolled. One question went to her; all else waits for her yes.") % name
    if made.result.hand_over:
        said = ngettext(
            "%(name)s is enrolled, %(many)s message is planned. Some advice is too late to send: hand it over.",
            "%(name)s is enrolled, %(many)s messages are planned. Some advice is too late to send: hand it over.",
            many,
        )
    else:
        said = ngettext(
            "%(name)s is enrolled, %(many)s message is planned.",
            "%(name)s is enrolled, %(many)s messages are planned.", many,
        )  # fmt: skip
    return said % name


def ask_whether_same(clinic: Clinic, form: EnrolForm) -> list[Found]:
    """Who has this phone or mailbox already: enrolled twice, she would get every text twice (P4, rule 134)."""
    phone, email = _number(clinic, form), ""
    try:
        if said := form.data.get("email", ""):
            email = normalise_email(said)[1]
    except Refusal:
        email = ""
    return directory.with_address(clinic, phone=phone, email=email)


def _number(clinic: Clinic, form: EnrolForm) -> str:
    """The phone as the network has it, "" while none can be read."""
    said = form.data.get("phone", "")
    try:
        allow = settings.ALLOW_FICTION_NUMBERS
        return parse_phone(said, clinic.country, allow_fiction=allow).e164 if said else ""
    except Refusal:
        return ""


def _context(request: DeskRequest, desk: Desk, now: datetime) -> dict[str, Any]:
    form = desk.form
    version = form.versions.get(form.data.get("protocol", "")) or next(iter(form.versions.values()), None)
    treated = form.moment("treated")
    return {
        "form": form,
        "versions": desk.versions,
        "wordings": _shown(desk.words),
        "preview": _preview(request, form, version, now),
        "soonest": soonest(version, treated) if version else None,
        "zone": getattr(form, "cleaned_data", {}).get("zone") or request.clinic.zone,
    }


def _shown(words: Words) -> list[Wording]:
    """Every wording that can be the one to read out, the service ones first."""
    codes = (wording_choice.SERVICE, wording_choice.SERVICE_HOLDER, wording_choice.MARKETING,
             wording_choice.MARKETING_HOLDER)  # fmt: skip
    return [words[code, language] for code in codes for language in ("en", "es") if (code, language) in words]


def _preview(request: DeskRequest, form: EnrolForm, version: ProtocolVersion | None, now: datetime) -> Preview | None:
    """What would come; None while nothing can be said yet."""
    said = getattr(form, "cleaned_data", None)
    if not said or version is None or not form.ticked:
        return None
    asked = Asked(
        clinic=request.clinic, version=version, name=said.get("name", ""), consented=form.ticked,
        language=said.get("language") or request.clinic.language,
        clocks=clocks(said.get("zone", ""), request.clinic.zone, _number(request.clinic, form)),
        treated_at=form.moment("treated"), session_at=form.moment("session"),
    )  # fmt: skip
    return preview(asked, now=now)
