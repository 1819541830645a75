"""The machine room: is anything late, does everything run, what is paused; and the hand that pauses (rule 144).

Numbers are those of the whole house, for its queues are shared; rows, pauses among them, are of one's own clinic alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from worker import clock
from worker.actions.consent import hold
from worker.models import Pause, Protocol, Sender
from worker.models.hold import PauseScope
from worker.models.staff import Role
from worker.reading.machine_room import machine_room
from worker.reading.status import status
from worker.rules.refusal import Refusals
from worker.web.desk import charts
from worker.web.desk.frame import done, page, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpResponse

    from worker.models import Clinic
    from worker.web.desk.frame import DeskRequest

SCOPES = {
    PauseScope.ALL: gettext_lazy("everything"),
    PauseScope.CLINIC: gettext_lazy("the clinic"),
    PauseScope.CHANNEL: gettext_lazy("a channel"),
    PauseScope.PROTOCOL: gettext_lazy("a protocol"),
    PauseScope.SENDER: gettext_lazy("a sender"),
    PauseScope.DRAIN: gettext_lazy("workers finish and begin nothing"),
}
"""What a pause stops."""
LATE, SILENT = 900, 120  # seconds, as the alerts have them
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


def _scopes(clinic: Clinic) -> list[tuple[str, str]]:
    protocols = Protocol.objects.filter(clinic=clinic).order_by("code").values_list("pk", "code")
    senders = Sender.objects.filter(clinic=clinic, is_active=True).order_by("pk").values_list("pk", "identity")
    return [
        (f"{PauseScope.CLINIC}:{clinic.pk}", _("Everything of %(clinic)s") % {"clinic": clinic.name}),
        *((f"{PauseScope.PROTOCOL}:{pk}", _("Protocol %(code)s") % {"code": code}) for pk, code in protocols),
        *((f"{PauseScope.SENDER}:{pk}", _("Sender %(identity)s") % {"identity": name}) for pk, name in senders),
    ]


@page(*LOOKERS, writes=True)
def operations(request: DeskRequest) -> HttpResponse:
    """Everything at a glance, and the form that pauses."""
    form = PauseForm(request.clinic, request.POST or None)
    if request.method == "POST" and form.is_valid():
        scope, _colon, value = form.cleaned_data["what"].partition(":")
        try:
            made = hold.pause(
                scope=PauseScope(scope), value=value, why=form.cleaned_data["why"], by=f"staff:{request.user.pk}",
                now=clock.now(),
            )  # fmt: skip
        except Refusals as refusals:
            refused(form, refusals, names={"scope": "what"})
        else:
            undo = reverse("operations_resume", args=[made.pk])
            return done(request, _("Paused. Nothing of it goes from now on."), "operations", undo=undo)
    return render(request, "desk/operations.html", _facts(request.clinic, clock.now()) | {"form": form})


@page(*LOOKERS, writes=True)
def resume(request: DeskRequest, pk: int) -> HttpResponse:
    """End one pause of this clinic; what it held passes every gate anew."""
    pause = Pause.objects.filter(pk=pk, ended_at__isnull=True).first()
    if pause is None or not _is_ours(pause.scope, pause.value, request.clinic):
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


def _facts(clinic: Clinic, now: datetime) -> dict[str, Any]:
    said = status(now=now) | machine_room(now=now)
    said["paused"] = list(_pauses(said["paused"], clinic))
    said["circuits"] = [
        each | {"tried_again_at": datetime.fromisoformat(each["tried_again_at"])}
        for each in said["circuits"]
        if each["clinic"] == clinic.slug
    ]
    return {
        "said": said,
        "now": now,
        "late": max(each["oldest_due_seconds"] for each in said["channels"].values()) > LATE,
        "silent": any(age is None or age > SILENT for age in (said["last_tick_seconds"], said["last_sweep_seconds"])),
        "charts": {
            "volume": charts.volume(said["hours"], now),
            "lateness": charts.lateness(said["hours"], now, limit=LATE),
        },
    }


def _pauses(standing: list[dict[str, Any]], clinic: Clinic) -> Iterator[dict[str, Any]]:
    """Those that this clinic feels; `ours` are the ones that it may end."""
    for each in standing:
        ours = _is_ours(each["scope"], each["value"], clinic)
        if ours or each["scope"] in {PauseScope.ALL, PauseScope.CHANNEL}:
            scope = SCOPES[PauseScope(each["scope"])]
            yield each | {"ours": ours, "scope": scope, "since": datetime.fromisoformat(each["since"])}


def _is_ours(scope: str, value: str, clinic: Clinic) -> bool:
    if scope == PauseScope.CLINIC:
        return value == str(clinic.pk)
    if scope == PauseScope.PROTOCOL:
        return Protocol.objects.filter(pk=int(value), clinic=clinic).exists()
    return scope == PauseScope.SENDER and Sender.objects.filter(pk=int(value), clinic=clinic).exists()
