"""The next visit as a file for the client's calendar, behind her care link."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from worker import clock
from worker.invitations import FILE, entry_of
from worker.models import Appointment
from worker.models.appointment import AppointmentStatus
from worker.rules.invitation import Visit, invitation, method_of
from worker.rules.local_time import zone
from worker.web.care_plan import opened
from worker.web.headers import private
from worker.web.pages import nothing_here
from worker.web.unavailable import needs_database

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponseBase

    from worker.models import Link

SAME_DAY = timedelta(hours=12)  # who opens it in the waiting room still gets her visit
TOLD = (AppointmentStatus.BOOKED, AppointmentStatus.CANCELLED)


@login_not_required
@require_safe
@private
@needs_database
def calendar(request: HttpRequest, token: str) -> HttpResponseBase:
    """The client's next visit; once it is cancelled, the same entry as a cancellation.

    404 for a link that is forged, ended or erased, or when there is no visit to come.
    """
    found = opened(token)
    visit = next_visit(found[0], clock.now()) if found else None
    if found is None or visit is None:
        return nothing_here(request)
    entry = _entry(found[0], visit)
    answer = HttpResponse(invitation(entry), content_type=f"text/calendar; charset=utf-8; method={method_of(entry)}")
    answer.headers["Content-Disposition"] = f'attachment; filename="{FILE}"'
    return answer


def next_visit(link: Link, now: datetime) -> Appointment | None:
    """The next booked visit under the link's protocol; without one, the next that was cancelled."""
    coming = Appointment.objects.filter(
        client=link.client, version__protocol=link.version.protocol_id, starts_at__gt=now - SAME_DAY, status__in=TOLD
    )
    return coming.order_by("status", "starts_at", "pk").first()  # "booked" comes before "cancelled"


def _entry(link: Link, visit: Appointment) -> Visit:
    return entry_of(
        link.clinic,
        visit_id=visit.pk,
        edition=visit.edition,
        changed_at=visit.changed_at,
        starts_at=visit.starts_at,
        zone=zone(link.client.zone),
        language=link.client.language,
        cancelled=visit.status == AppointmentStatus.CANCELLED,
    )
