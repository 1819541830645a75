"""Who is told of a warning sign: each of the staff agrees for herself, at her own phone or mailbox, and may leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from worker import clock
from worker.actions.converse import on_call
from worker.reading.red_flags import on_call as listed
from worker.rules.names import Channel
from worker.rules.refusal import Refusals
from worker.web.desk.frame import done, page, refused, sent
from worker.web.desk.navigation import DESK

if TYPE_CHECKING:
    from django.http import HttpResponse

    from worker.web.desk.frame import DeskRequest


class AgreeForm(forms.Form):
    """Her own address, and her yes."""

    address = forms.CharField(label=lazy("Your own mobile phone or mailbox"), max_length=320)
    affirmed = forms.BooleanField(
        label=lazy("I want to be told there, at any hour, when a client names a warning sign"), required=False,
        help_text=lazy("Without a name or a word of the client. STOP from that phone ends it at once."),
    )  # fmt: skip


@page(*DESK, writes=True)
def people_on_call(request: DeskRequest) -> HttpResponse:
    """Who is on call; a POST agrees for whoever is signed in, or with `leave` takes her off (staff's own opt-in)."""
    if request.method == "POST" and request.POST.get("leave") in set(Channel):
        channel = Channel(request.POST["leave"])
        on_call.leave(clinic=request.clinic, by=request.user.email, channel=channel, now=clock.now())
        return done(request, _("You are told there no more."), "inbox_on_call")
    form = AgreeForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            on_call.agree(clinic=request.clinic, by=request.user.email, now=clock.now(), **form.cleaned_data)
        except Refusals as refusals:
            refused(form, refusals)
        else:
            return done(request, _("You are on call."), "inbox_on_call")
    rows = listed(request.clinic.pk)
    own = [each["channel"] for each in rows if each["staff"] == request.user.email]
    return render(request, "desk/on_call.html", {"form": form, "rows": rows, "own": own})
