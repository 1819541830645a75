"""A session on record is put right at the desk: its time corrected, voided, or let stand again, after a look (P7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from worker import clock
from worker.actions.course import foresee, put_right
from worker.models import Treatment
from worker.reading.directory import name_of
from worker.rules.refusal import Refusals
from worker.rules.taken_back import VoidReason
from worker.web.desk.frame import done, hers, page, refused, sent
from worker.web.desk.navigation import DESK
from worker.web.desk.session_forms import WhenForm, wall
from worker.web.desk.visits import for_form
from worker.web.refusal_words import told

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.http import HttpResponse

    from worker.actions.course.foresee import Foreseen
    from worker.web.desk.frame import DeskRequest


class TimeForm(WhenForm):
    """When it was done really; `seen` is what was on the screen, for a press counts for that and nothing else."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput, max_length=80)


class VoidForm(forms.Form):
    """Why it is taken back."""

    why = forms.ChoiceField(label=lazy("What you found out"), widget=forms.RadioSelect, choices=[
        (VoidReason.NOT_DONE.value, lazy("It was never done")),
        (VoidReason.OTHER_CLIENT.value, lazy("It was another client's")),
        (VoidReason.TWICE.value, lazy("It was recorded twice")),
    ])  # fmt: skip


@page(*DESK, writes=True)
def correct(request: DeskRequest, pk: int) -> HttpResponse:
    """Another day or hour: first what would change, then the press; another time typed meanwhile is shown first too."""
    known, place = _known(request, pk), request.clinic.zone
    form = TimeForm(sent(request), initial=wall(known.performed_at, place))
    foreseen: Foreseen | None = None
    if request.method == "POST" and form.is_valid() and (at := _another(form, known, place)) is not None:
        try:
            if "act" in request.POST and form.cleaned_data["seen"] == _seen(known, at):
                put_right.correct(treatment_id=pk, performed_at=at, by=request.user.email, now=clock.now())
                said = _("The time is corrected; what is still to come counts from it.")
                return done(request, said, "clients_client", known.client_id)
            foreseen = foresee.correction(treatment_id=pk, performed_at=at, now=clock.now())
            form = TimeForm(initial=wall(at, place) | {"seen": _seen(known, at)})
        except Refusals as refusals:
            refused(form, for_form(refusals))
    title = _("When was the session of %(name)s?") % {"name": name_of(known.client)}
    return _shown(request, known, form, foreseen, title=title, look=True, button=_("Correct it"))


@page(*DESK, writes=True)
def void(request: DeskRequest, pk: int) -> HttpResponse:
    """It did not happen: its plan ends, and the session before it counts again."""
    known, form = _known(request, pk), VoidForm(sent(request))

    def act() -> HttpResponse:
        why = VoidReason(form.cleaned_data["why"])
        put_right.void(treatment_id=pk, why=why, by=request.user.email, now=clock.now())
        undo = reverse("clients_session_stand", args=[pk])
        said = _("The session is taken back. If it was another client's, record it on her page.")
        return done(request, said, "clients_client", known.client_id, undo=undo)

    title = _("Take back this session of %(name)s?") % {"name": name_of(known.client)}
    words = {"title": title, "button": _("Take it back"), "danger": True}
    return _ask(request, known, form, act, foresee.voiding, **words)


@page(*DESK, writes=True)
def stand(request: DeskRequest, pk: int) -> HttpResponse:
    """Undo of a void."""
    known, form = _known(request, pk), forms.Form(sent(request))

    def act() -> HttpResponse:
        put_right.stand_again(treatment_id=pk, by=request.user.email, now=clock.now())
        return done(request, _("The session stands again, with its aftercare."), "clients_client", known.client_id)

    title = _("Did this session of %(name)s happen after all?") % {"name": name_of(known.client)}
    return _ask(request, known, form, act, foresee.standing_again, title=title, button=_("It did happen"))


def _ask(
    request: DeskRequest,
    known: Treatment,
    form: forms.Form,
    act: Callable[[], HttpResponse],
    look: Callable[..., Foreseen],
    **words: Any,
) -> HttpResponse:
    """Show what would change; do it once it is confirmed; say what can't be done above the form (P12)."""
    if request.method == "POST" and form.is_valid():
        try:
            return act()
        except Refusals as refusals:
            refused(form, refusals)
    try:
        return _shown(request, known, form, look(treatment_id=known.pk, now=clock.now()), **words)
    except Refusals as refusals:
        cannot = [] if form.is_bound else [f"{told(each.problem)}; {told(each.mend)}" for each in refusals.faults]
        return _shown(request, known, form, None, **words | {"button": "", "cannot": cannot})


def _shown(
    request: DeskRequest, known: Treatment, form: forms.Form, foreseen: Foreseen | None, **words: Any
) -> HttpResponse:
    back = reverse("clients_client", args=[known.client_id])
    context = {"form": form, "known": known, "client": known.client, "foreseen": foreseen, "back": back}
    return render(request, "desk/put_right.html", {**context, **words})


def _known(request: DeskRequest, pk: int) -> Treatment:
    rows = Treatment.objects.select_related("client", "version__protocol")
    return hers(request, rows, pk=pk, client__erased_at__isnull=True)


def _another(form: TimeForm, known: Treatment, place: str) -> datetime | None:
    """The time that was typed; none, and said beside it, where it is the one on record: that may have seconds."""
    at = form.moment(place)
    if at != known.performed_at.replace(second=0, microsecond=0):
        return at
    form.add_error("day", _("This is the time on record: choose another day or hour."))
    return None


def _seen(known: Treatment, at: datetime) -> str:
    """What a preview was made of: somebody else's correction meanwhile makes it another."""
    return f"g{known.generation}:{at.isoformat()}"
