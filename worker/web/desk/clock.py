"""Where a client lives, said later or put right: her page's own form (P6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from worker import clock as calendar
from worker.actions.clients.zone import tell_zone
from worker.models import Client
from worker.reading.directory import name_of
from worker.web.desk.client_acts import ask
from worker.web.desk.frame import done, hers, page, sent
from worker.web.desk.navigation import DESK
from worker.web.desk.zones import Clocks, zone_choices

if TYPE_CHECKING:
    from django.http import HttpResponse

    from worker.web.desk.frame import DeskRequest


class ClockForm(forms.Form):
    """Where she lives."""

    zone = forms.ChoiceField(label=lazy("Her clock"), widget=Clocks)


@page(*DESK, writes=True)
def clock(request: DeskRequest, pk: int) -> HttpResponse:
    """From now on her days and hours are told on her own clock (rule 47)."""
    client = hers(request, Client.objects.all(), pk=pk, erased_at__isnull=True)
    form = ClockForm(sent(request), initial={"zone": client.zone})
    field = form.fields["zone"]
    assert isinstance(field, forms.ChoiceField)
    field.choices = zone_choices(request.clinic, may_be_unknown=False)

    def act() -> HttpResponse:
        told = tell_zone(client_id=pk, name=form.cleaned_data["zone"], by=request.user.email, now=calendar.now())
        many = len(told.planned)
        said = ngettext(
            "Noted. %(many)s message is planned anew, by her clock.",
            "Noted. %(many)s messages are planned anew, by her clock.", many,
        )  # fmt: skip
        return done(request, said % {"many": many}, "clients_client", pk)

    return ask(
        request, client, form, act, button=_("Use this clock"),
        title=_("Where does %(name)s live?") % {"name": name_of(client)},
        happens=[
            _("What is still to come moves to the right hour of her own clock, all at once."),
            _("What went already stays as it is, and so does each booked visit."),
        ],
    )  # fmt: skip
