"""Who got a version, and an approved correction to each of them, once (P1-P4)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django import forms
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from worker import clock
from worker.actions.protocols.reached import clients_of, corrections, recalled
from worker.actions.protocols.recall import recall
from worker.models import Client
from worker.reading.directory import name_of
from worker.rules.refusal import Refusals
from worker.web.desk.frame import done, page, refused
from worker.web.desk.navigation import EDITORS
from worker.web.desk.protocol_words import REACHED
from worker.web.desk.protocols import about, staged, version_of

if TYPE_CHECKING:
    from django.http import HttpResponse

    from worker.actions.protocols.reached import Reached
    from worker.models import ProtocolVersion, Step
    from worker.web.desk.frame import DeskRequest

SHOWN = 100


class RecallForm(forms.Form):
    """Which correction, and that somebody has looked at whom it reaches."""

    correction = forms.ChoiceField(label=lazy("Which correction"), widget=forms.RadioSelect)
    sure = forms.BooleanField(label=lazy("I have looked at whom it reaches and whom it does not"))

    def __init__(self, data: Any, steps: list[Step]) -> None:
        """With the corrections that a practitioner approved, the newest chosen."""
        super().__init__(data)
        field = self.fields["correction"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (str(each.pk), _("%(step)s, version %(n)d") % {"step": each.code, "n": each.version.number})
            for each in steps
        ]
        self.initial["correction"] = str(steps[-1].pk) if steps else ""


@page(*EDITORS, writes=True, again=True)
def recall_page(request: DeskRequest, pk: int) -> HttpResponse:
    """Everyone who got a version, whom a correction would reach, and the press that sends it; a practitioner's."""
    version = version_of(request, pk)
    stage = staged(request, version.protocol_id)
    steps = corrections(version.protocol, now=clock.now())
    form = RecallForm(request.POST or None, steps)
    if request.method == "POST" and "show" not in request.POST and form.is_valid():
        try:
            sent = recall(
                clinic=request.clinic, version_id=pk, step_id=int(form.cleaned_data["correction"]),
                by=request.user.email, now=clock.now(),
            )  # fmt: skip
        except Refusals as refusals:
            refused(form, refusals)
        else:
            said = ngettext("%(n)d correction is on its way.", "%(n)d corrections are on their way.", sent.planned)
            return done(request, said % {"n": sent.planned}, "protocols_page", version.protocol_id)
    context = about(request, stage) | _whom(version, _chosen(form, steps)) | {"form": form, "version": version}
    return render(request, "desk/recall.html", context)


def _chosen(form: RecallForm, steps: list[Step]) -> Step | None:
    said = form["correction"].value()
    return next((each for each in steps if str(each.pk) == said), None)


def _whom(version: ProtocolVersion, step: Step | None) -> dict[str, Any]:
    """How many got it and what becomes of each; names only of the first who can't be reached, and then of others."""
    if step is None:
        return {"many": clients_of(version), "groups": [], "people": [], "more": 0}
    found = recalled(version, step)
    counted = Counter(each.why for each in found)
    return {
        "many": len(found),
        "groups": [{"why": why, "said": said, "many": counted[why]} for why, said in REACHED.items() if counted[why]],
        "people": _named(found[:SHOWN]),
        "more": max(0, len(found) - SHOWN),
        "step": step,
    }


def _named(found: list[Reached]) -> list[dict[str, Any]]:
    clients = Client.objects.in_bulk([each.client_id for each in found])
    return [
        {
            "pk": each.client_id,
            "name": _("a client who was erased") if each.why == "erased" else name_of(clients[each.client_id]),
            "steps": ", ".join(each.steps),
            "said": REACHED[each.why],
            "goes": each.goes,
        }
        for each in found
    ]
