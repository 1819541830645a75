"""The machine room: is anything late, does everything run, what is paused; and the hand that pauses (rule 144).

Numbers are those of the whole house, for its queues are shared; rows are those that the clinic feels, and today is its
own. All of it is what `aftercare status` says (worker/reading/house.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from worker import clock
from worker.actions.consent import hold
from worker.actions.consent.hold_channel import pause_channel
from worker.models import Pause, Protocol, Sender
from worker.models.hold import PauseScope
from worker.models.staff import Role
from worker.reading.house import house
from worker.reading.pauses import is_ours
from worker.rules.names import Channel
from worker.rules.refusal import Refusal, Refusals
from worker.rules.said import reason
from worker.web.desk.frame import done, page, refused
from worker.web.desk.operations_said import SCOPES, worded
from worker.web.refusal_words import told

if TYPE_CHECKING:
    from django.http import HttpResponse

    from worker.models import Clinic
    from worker.web.desk.frame import DeskRequest

__all__ = ["SCOPES", "operations", "resume"]

LOOKERS = (Role.OPERATOR, Role.OWNER)


class PauseForm(forms.Form):
    """What to stop, and why."""

    what = forms.ChoiceField(label=gettext_lazy("What to pause"))
    why = forms.CharField(
        label=gettext_lazy("Why"), max_length=200, help_text=gettext_lazy("Stays in the record. No names, please.")
    )

    def __init__(self, clinic: Clinic, *args: Any) -> None:
        """With what there is to pause in this clinic."""
        super().__init__(*args)
        self.fields["what"].choices = _scopes(clinic)  # type: ignore[attr-defined] # a ChoiceField

    def clean_why(self) -> str:
        """One line, as the command takes it: `aftercare status` prints it. Raises ValidationError."""
        try:
            return reason(str(self.cleaned_data["why"]), "why")
        except Refusal as refusal:
            raise forms.ValidationError(f"{told(refusal.problem)}; {told(refusal.mend)}") from None


def _scopes(clinic: Clinic) -> list[tuple[str, str]]:
    protocols = Protocol.objects.filter(clinic=clinic).order_by("code").values_list("pk", "code")
    senders = Sender.objects.filter(clinic=clinic, is_active=True).order_by("pk")
    whole = {Channel.SMS: _("All texts of %(clinic)s"), Channel.EMAIL: _("All email of %(clinic)s")}
    there = {each.channel for each in senders}
    return [
        (f"{PauseScope.CLINIC}:{clinic.pk}", _("Everything of %(clinic)s") % {"clinic": clinic.name}),
        *((f"{PauseScope.CHANNEL}:{each}", whole[each] % {"clinic": clinic.name}) for each in whole if each in there),
        *((f"{PauseScope.PROTOCOL}:{pk}", _("Protocol %(code)s") % {"code": code}) for pk, code in protocols),
        *((f"{PauseScope.SENDER}:{each.pk}", _("Sender %(identity)s") % {"identity": each.identity})
          for each in senders),
    ]  # fmt: skip


@page(*LOOKERS, writes=True)
def operations(request: DeskRequest) -> HttpResponse:
    """Everything at a glance, and the form that pauses."""
    form = PauseForm(request.clinic, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = _paused(request, form.cleaned_data["what"], form.cleaned_data["why"])
        except Refusals as refusals:
            refused(form, refusals, names={"scope": "what"})
        else:
            undo = reverse("operations_resume", args=[made[0].pk]) if len(made) == 1 else ""
            return done(request, _("Paused. Nothing of it goes from now on."), "operations", undo=undo)
    now = clock.now()
    said = house(now=now, machine=clock.machine(), clinic=request.clinic)
    return render(request, "desk/operations.html", worded(said, now=now) | {"form": form})


def _paused(request: DeskRequest, what: str, why: str) -> list[Pause]:
    scope, _colon, value = what.partition(":")
    by, now = f"staff:{request.user.pk}", clock.now()
    if scope == PauseScope.CHANNEL:  # of this clinic alone: a pause of that scope would stop every clinic's
        return pause_channel(clinic_id=request.clinic.pk, channel=Channel(value), why=why, by=by, now=now)
    return [hold.pause(scope=PauseScope(scope), value=value, why=why, by=by, now=now)]


@page(*LOOKERS, writes=True)
def resume(request: DeskRequest, pk: int) -> HttpResponse:
    """End one pause of this clinic; what it held passes every gate anew."""
    pause = Pause.objects.filter(pk=pk, ended_at__isnull=True).first()
    if pause is None or not is_ours(pause, request.clinic):
        raise Http404
    if request.method != "POST":
        said = {"title": _("Resume?"), "lead": pause.why, "button": _("Resume"), "back": reverse("operations")}
        happens = [_("What it held passes every gate anew; what came too late ends as missed.")]
        return render(request, "desk/confirm.html", said | {"happens": happens})
    try:
        many = hold.resume(
            scope=PauseScope(pause.scope), value=pause.value, by=f"staff:{request.user.pk}", now=clock.now()
        )
    except Refusals:  # somebody else was faster
        many = 0
    return done(request, _("Resumed: %(many)d message(s) planned again.") % {"many": many}, "operations")
