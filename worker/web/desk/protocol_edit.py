"""A step is written at the desk: seen as its readers will, saved as a new draft, and nothing approved changes (P3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from worker import clock
from worker.actions.protocols import write
from worker.intake.protocol_edit import change, pages_of, with_correction
from worker.reading.protocol_preview import preview
from worker.rules.refusal import Refusal, Refusals
from worker.web.desk.frame import done, page, refused, sent
from worker.web.desk.navigation import EDITORS
from worker.web.desk.protocol_form import StepForm
from worker.web.desk.protocols import about, staged
from worker.web.refusal_words import told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpResponse

    from worker.intake.protocol_edit import Pages
    from worker.reading.protocols import Stage
    from worker.web.desk.frame import DeskRequest

CORRECTION = re.compile(r"correction-(\d+)")


@page(*EDITORS, writes=True)
def step(request: DeskRequest, pk: int, step: str) -> HttpResponse:
    """The texts of one step, language beside language; a POST saves a draft, or with `preview` pressed shows it."""
    stage = staged(request, pk)
    pages = pages_of(stage.source)
    if step not in _codes(pages):
        raise Http404
    form = StepForm(sent(request), pages=pages, step=step, version=stage.newest.number)
    return _saved(request, stage, form) or _shown(request, stage, form, pages, _("Edit “%(step)s”") % {"step": step})


@page(*EDITORS, writes=True)
def correction(request: DeskRequest, pk: int) -> HttpResponse:
    """One more step: what to send to those who got something wrong; it needs an approval, and then a recall."""
    stage = staged(request, pk)
    pages = pages_of(stage.source)
    code = _next_correction(pages)
    pages = with_correction(pages, code)
    form = StepForm(sent(request), pages=pages, step=code, version=stage.newest.number)
    return _saved(request, stage, form, new=True) or _shown(request, stage, form, pages, _("Write a correction"))


@page(*EDITORS, writes=True)
def step_preview(request: DeskRequest, pk: int) -> HttpResponse:
    """The preview alone, for the script that keeps it up to date while one types; writes nothing."""
    stage = staged(request, pk)
    pages, code = pages_of(stage.source), request.POST.get("step", "")
    if code == _next_correction(pages):
        pages = with_correction(pages, code)
    if code not in _codes(pages):
        raise Http404
    form = StepForm(sent(request), pages=pages, step=code, version=stage.newest.number)
    return render(request, "desk/_step_preview.html", _seen(stage, form, pages))


@page(*EDITORS, writes=True)
def remove(request: DeskRequest, pk: int, step: str) -> HttpResponse:
    """A step is taken out of the next version; those that went, and the approved version, stay as they are."""
    stage = staged(request, pk)
    if step not in _codes(pages_of(stage.source)):
        raise Http404
    form = forms.Form(sent(request))
    if request.method == "POST":
        try:
            version, _new = write.remove_step(
                clinic=request.clinic, code=stage.protocol.code, from_version=stage.newest.number, step=step,
                by=request.user.email, now=clock.now(),
            )  # fmt: skip
        except Refusals as refusals:
            form.full_clean()
            refused(form, refusals)
        else:
            return _drafted(request, stage, version.number)
    said = {
        "form": form, "title": _("Take “%(step)s” out?") % {"step": step}, "button": _("Take it out"), "danger": True,
        "back": reverse("protocols_page", args=[pk]),
        "happens": [
            _("A new draft without this step is saved. Nothing changes for anybody before it is approved."),
            _("The versions before keep the step, and what was sent stays in every client's file."),
        ],
    }  # fmt: skip
    return render(request, "desk/confirm.html", said)


def _saved(request: DeskRequest, stage: Stage, form: StepForm, *, new: bool = False) -> HttpResponse | None:
    """Save, and go to the protocol; None when it was only to be shown, or was refused, each fault at its text."""
    if request.method != "POST" or "preview" in request.POST or not form.is_valid():
        return None
    action = write.add_correction if new else write.write_step
    try:
        version, fresh = action(
            clinic=request.clinic, code=stage.protocol.code, from_version=form.cleaned_data["version"],
            step=form.initial["step"], said=form.said(), by=request.user.email, now=clock.now(),
        )  # fmt: skip
    except Refusals as refusals:
        refused(form, refusals, names=form.faults)
        return None
    if not fresh:
        return done(request, _("Nothing was changed: it says what it said."), "protocols_page", stage.protocol.pk)
    return _drafted(request, stage, version.number)


def _drafted(request: DeskRequest, stage: Stage, number: int) -> HttpResponse:
    said = _("Version %(n)d is saved as a draft. Clients get the approved version until somebody approves this one.")
    return done(request, said % {"n": number}, "protocols_page", stage.protocol.pk)


def _shown(request: DeskRequest, stage: Stage, form: StepForm, pages: Pages, heading: str) -> HttpResponse:
    seen = _seen(stage, form, pages)
    columns = [each | {"seen": seen["spoken"][each["code"]]} for each in form.columns()]
    context = about(request, stage) | seen | {"form": form, "heading": heading, "columns": columns}
    return render(request, "desk/protocol_step.html", context)


def _seen(stage: Stage, form: StepForm, pages: Pages) -> dict[str, Any]:
    """Each language as its readers would get it, and what the rules say to the rest."""
    code = form.initial["step"]
    hosts, clinic = write.own_hosts(stage.protocol.clinic), stage.protocol.clinic
    said, unread = _changed(pages, code, form)
    spoken, others = preview(said, code, clinic, hosts=hosts)
    return {
        "spoken": {each.language: each._replace(faults=_named(form, each.faults)) for each in spoken},
        "others": _named(form, [*unread, *others]),
    }


def _named(form: StepForm, faults: Iterable[Refusal]) -> tuple[Refusal, ...]:
    """The faults by the labels of the form instead of the names of files, in the language of the page."""
    fields = {where: str(form.fields[name].label) for where, name in form.faults.items() if name in form.fields}
    return tuple(Refusal(fields.get(each.field, each.field), told(each.problem), told(each.mend)) for each in faults)


def _changed(pages: Pages, code: str, form: StepForm) -> tuple[Pages, list[Refusal]]:
    """The pages with what the form says; hours that can't be read leave the old ones, and say so."""
    try:
        return change(pages, code, form.said()), []
    except Refusals as refusals:
        return change(pages, code, form.said(timed=False)), list(refusals.faults)


def _codes(pages: Pages) -> set[str]:
    return {each["code"] for each in pages.raw["step"]}


def _next_correction(pages: Pages) -> str:
    numbers = [int(found[1]) for code in _codes(pages) if (found := CORRECTION.fullmatch(code))]
    return f"correction-{max(numbers, default=0) + 1}"
