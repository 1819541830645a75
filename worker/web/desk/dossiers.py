"""The consent dossier, made at the desk: a page to read and print, or the file that an outsider can check (P8)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from worker import clock
from worker.actions.privacy.dossier import dossier
from worker.models import Client
from worker.reading.directory import name_of
from worker.reading.dossier import page as printed
from worker.web.desk.client_acts import ask
from worker.web.desk.frame import hers, page, sent
from worker.web.desk.navigation import DESK

if TYPE_CHECKING:
    from worker.web.desk.frame import DeskRequest

FORMS = [("html", lazy("A page to read and print")), ("json", lazy("The file that can be checked"))]


class DossierForm(forms.Form):
    """Which file, and how much."""

    form = forms.ChoiceField(label=lazy("As"), choices=FORMS, widget=forms.RadioSelect, initial="html")
    bodies = forms.BooleanField(label=lazy("With the texts as they were sent"), required=False)


@page(*DESK, writes=True, again=True)
def dossier_page(request: DeskRequest, pk: int) -> HttpResponse:
    """Make it, on the record; asks for the password or the second factor again."""
    client = hers(request, Client.objects.all(), pk=pk)
    form = DossierForm(sent(request))

    def act() -> HttpResponse:
        made = dossier(client_id=pk, by=request.user.email, bodies=form.cleaned_data["bodies"], now=clock.now())
        kind = form.cleaned_data["form"]
        said = printed(made.said) if kind == "html" else json.dumps(made.said, indent=1, ensure_ascii=False)
        answer = HttpResponse(said, content_type="text/html" if kind == "html" else "application/json")
        answer["Content-Disposition"] = f'attachment; filename="dossier-{pk}.{kind}"'
        return answer

    return ask(
        request, client, form, act, button=_("Make the dossier"),
        title=_("Dossier of %(name)s") % {"name": name_of(client)},
        happens=[
            _("You get a file with her consents, the exact words, and what was sent. Keep it as you keep her file."),
            _("That it was made, and by whom, goes on record."),
        ],
    )  # fmt: skip
