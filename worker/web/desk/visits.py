"""A client's visits and sessions at the desk: booked, moved, cancelled, taken up again, done; the plan follows (P7)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django import forms
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from worker import clock
from worker.actions.course import appointment, treatment
from worker.models import Appointment, Client
from worker.models.appointment import AppointmentStatus
from worker.reading.approved import approved, title
from worker.reading.directory import name_of
from worker.rules.refusal import Refusal, Refusals
from worker.web.desk.client_acts import ask
from worker.web.desk.frame import done, hers, page, sent
from worker.web.desk.navigation import DESK
from worker.web.desk.session_forms import DoneForm, SessionForm, WhenForm, wall

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpResponse

    from worker.web.desk.frame import DeskRequest


def for_form(refusals: Refusals) -> Refusals:
    """Times are refused as `to`, `at` or `performed_at`; the form calls them its day."""
    return Refusals(
        Refusal("day", each.problem, _("choose another day or hour"))
        if each.field in ("to", "at", "performed_at")
        else each
        for each in refusals.faults
    )


@page(*DESK, writes=True)
def move(request: DeskRequest, pk: int) -> HttpResponse:
    """Another day or hour: the old reminders end, new ones are planned."""
    visit = hers(request, Appointment.objects.select_related("client"), pk=pk, client__erased_at__isnull=True)
    client, before = visit.client, visit.starts_at
    form = WhenForm(sent(request), initial=wall(before, request.clinic.zone))

    def act() -> HttpResponse:
        at = form.moment(request.clinic.zone)
        try:
            made = appointment.move(appointment_id=pk, starts_at=at, by=f"staff:{request.user.pk}", now=clock.now())
        except Refusals as refusals:
            raise for_form(refusals) from None
        many = len(made.messages)
        said = ngettext(
            "The visit is moved, %(n)s reminder planned anew.",
            "The visit is moved, %(n)s reminders planned anew.",
            many,
        )
        return done(request, said % {"n": many}, "clients_client", client.pk)

    return ask(
        request, client, form, act, button=_("Move it"),
        title=_("Move the visit of %(name)s") % {"name": name_of(client)},
        happens=[_("Reminders of the old time end at this moment; those of the new time are planned.")],
    )  # fmt: skip


ENDINGS = {
    AppointmentStatus.CANCELLED: (
        lazy("Cancel the visit of %(name)s"),
        lazy("Cancel it"),
        lazy("The visit is cancelled."),
    ),
    AppointmentStatus.NO_SHOW: (
        lazy("%(name)s did not come?"),
        lazy("She did not come"),
        lazy("Noted: she did not come."),
    ),
}


@page(*DESK, writes=True)
def end(request: DeskRequest, pk: int, how: str) -> HttpResponse:
    """Cancelled or missed: its reminders end, and what the protocol says for that comes."""
    visit = hers(request, Appointment.objects.select_related("client"), pk=pk, client__erased_at__isnull=True)
    client = visit.client
    if how not in {each.value for each in ENDINGS}:
        return redirect("clients_client", client.pk)
    status = AppointmentStatus(how)
    heading, button, said = ENDINGS[status]

    def act() -> HttpResponse:
        appointment.end(appointment_id=pk, status=status, by=f"staff:{request.user.pk}", now=clock.now())
        undo = reverse("clients_visit_reopen", args=[pk])
        return done(request, str(said), "clients_client", client.pk, undo=undo)

    return ask(
        request, client, forms.Form(sent(request)), act, title=str(heading) % {"name": name_of(client)},
        button=button,
        happens=[
            _("Its reminders end at this moment. The aftercare of the last session goes on."),
            _("If no other visit is booked, she is invited once, later on, to book one."),
        ],
    )  # fmt: skip


@page(*DESK, writes=True)
def reopen(request: DeskRequest, pk: int) -> HttpResponse:
    """Undo of a cancellation or a missed visit."""
    visit = hers(request, Appointment.objects.select_related("client"), pk=pk, client__erased_at__isnull=True)
    client = visit.client

    def act() -> HttpResponse:
        appointment.reopen(appointment_id=pk, by=f"staff:{request.user.pk}", now=clock.now())
        return done(request, _("The visit stands again, with its reminders."), "clients_client", client.pk)

    return ask(
        request, client, forms.Form(sent(request)), act, button=_("Take it up again"),
        title=_("Take up the visit again?"),
        happens=[_("It stands at the time it had; its reminders come back, none of them twice.")],
    )  # fmt: skip


@page(*DESK, writes=True)
def book(request: DeskRequest, pk: int) -> HttpResponse:
    """The next session of a client."""
    now, client = clock.now(), hers(request, Client.objects.all(), pk=pk, erased_at__isnull=True)
    form = SessionForm(sent(request), choices=_protocols(request, now))

    def act() -> HttpResponse:
        at = form.moment(request.clinic.zone)
        try:
            visit, made = appointment.book(
                client_id=pk,
                starts_at=at,
                protocol=form.cleaned_data["protocol"],
                by=f"staff:{request.user.pk}",
                now=now,
            )
        except Refusals as refusals:
            raise for_form(refusals) from None
        if visit.changed_at != now:
            return done(request, _("This visit was booked already; nothing has changed."), "clients_client", pk)
        many = len(made.messages)
        said = ngettext(
            "The visit is booked, %(n)s reminder planned.", "The visit is booked, %(n)s reminders planned.", many
        )
        return done(request, said % {"n": many}, "clients_client", pk)

    return ask(
        request, client, form, act, title=_("Book a visit for %(name)s") % {"name": name_of(client)},
        button=_("Book it"), happens=[_("She is reminded of it as the protocol says, if she agreed to reminders.")],
    )  # fmt: skip


@page(*DESK, writes=True)
def session(request: DeskRequest, pk: int) -> HttpResponse:
    """Another session was done: the aftercare of the earlier one ends, for what was right then may be harm now."""
    now, client = clock.now(), hers(request, Client.objects.all(), pk=pk, erased_at__isnull=True)
    form = DoneForm(
        sent(request), choices=_protocols(request, now), initial=wall(now, request.clinic.zone), client=client,
        clinic=request.clinic,
    )  # fmt: skip

    def act() -> HttpResponse:
        done_now = treatment.Done(
            client_id=pk, protocol=form.cleaned_data["protocol"], external_id=f"desk-{uuid.uuid4().hex[:12]}",
            performed_at=form.moment(request.clinic.zone),
        )  # fmt: skip
        try:
            made, result = treatment.add(done=done_now, by=f"staff:{request.user.pk}", now=now)
        except Refusals as refusals:
            raise for_form(refusals) from None
        if made.created_at != now:
            return done(request, _("This session was recorded already; nothing has changed."), "clients_client", pk)
        many = len(result.messages)
        said = ngettext(
            "The session is recorded, %(n)s message is planned.",
            "The session is recorded, %(n)s messages are planned.",
            many,
        )
        return done(request, said % {"n": many}, "clients_client", pk)

    return ask(
        request, client, form, act, title=_("A session of %(name)s") % {"name": name_of(client)}, button=_("Record it"),
        happens=[_("Aftercare starts from this session; what still was to come of an earlier one ends.")],
    )  # fmt: skip


def _protocols(request: DeskRequest, now: datetime) -> list[tuple[str, str]]:
    language = str(getattr(request, "LANGUAGE_CODE", "en"))[:2]
    return [(each.protocol.code, title(each, language)) for each in approved(request.clinic, now=now)]
