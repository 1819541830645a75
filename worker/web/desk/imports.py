"""Clients of another system, brought by a file: read, looked at row by row, and taken only when somebody says so."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from worker import clock
from worker.actions.imports import stage
from worker.actions.imports.work import work
from worker.models import ImportBatch
from worker.models.import_batch import Fate, ImportState
from worker.reading.imports import first_row, refusals, rows_of, summary
from worker.rules.refusal import Refusals
from worker.web.desk.frame import done, hers, page, refused, sent
from worker.web.desk.import_form import MappingForm, UploadForm
from worker.web.desk.navigation import DESK
from worker.web.desk.protocols import spoken
from worker.web.refusal_words import told, told_reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.http import HttpResponseBase

    from worker.web.desk.frame import DeskRequest

MOST = 32 * 1024 * 1024 + 64 * 1024  # bytes of a request: the largest file, and what a form puts around it
A_LOOK = 1.0  # seconds of work that a press on "look again" does by itself, so that a file ends without a worker too
LATEST = 20
FATES = {
    Fate.GOOD: lazy("will be enrolled"),
    Fate.QUIET: lazy("will be enrolled and get nothing: agreed to nothing"),
    Fate.KNOWN: lazy("enrolled already, just so: no change"),
    Fate.REFUSED: lazy("refused"),
    Fate.ENROLLED: lazy("enrolled"),
    Fate.WAITING: lazy("not looked at yet"),
}
STATES = {
    ImportState.STAGED: lazy("waits for its columns"),
    ImportState.LOOKING: lazy("is being looked at"),
    ImportState.READY: lazy("waits for your yes"),
    ImportState.CONFIRMED: lazy("is being enrolled"),
    ImportState.DONE: lazy("done"),
    ImportState.DROPPED: lazy("dropped"),
}


class InMemory(MemoryFileUploadHandler):
    """A file of clients is never written to the disk unsealed, not even for a moment (P9)."""

    def handle_raw_input(self, *said: Any) -> None:
        """Take it when it is no larger than a file may be; else the form says that there is none."""
        self.activated = int(said[2]) <= MOST  # the length of the whole request


@page(*DESK, writes=True)
@csrf_exempt  # checked one line further, when it is settled that the file stays in memory
def imports(request: DeskRequest) -> HttpResponseBase:
    """The files of this clinic, and the form that takes one more."""
    request.upload_handlers = [InMemory(request)]
    answer: HttpResponseBase = _imports(request)
    return answer


@csrf_protect
def _imports(request: DeskRequest) -> HttpResponse:
    form = UploadForm(sent(request), request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            raw = form.cleaned_data["file"].read()
            batch = stage.stage(clinic=request.clinic, by=request.user.email, raw=raw, now=clock.now())
        except Refusals as refusals:
            refused(form, refusals)
        else:
            return redirect("imports_columns", batch.pk)
    latest = ImportBatch.objects.filter(clinic=request.clinic).select_related("by").order_by("-pk")[:LATEST]
    files = [{"row": each, "state": STATES[ImportState(each.state)]} for each in latest]
    return render(request, "desk/imports.html", {"form": form, "files": files})


@page(*DESK, writes=True)
def columns(request: DeskRequest, pk: int) -> HttpResponse:
    """Which column is what; a POST has the whole file looked at, and nothing of it takes effect yet."""
    batch = _mine(request, pk)
    heads = stage.heads_of(batch)
    if not heads or batch.state not in stage.LIVE:
        return redirect("imports_file", pk)
    form = MappingForm(
        sent(request), heads=heads, first=first_row(batch), mapping=batch.mapping, clinic=request.clinic,
        now=clock.now(), language=spoken(request),
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        try:
            stage.read_as(
                clinic=request.clinic, batch_id=pk, by=request.user.email, mapping=form.mapping(),
                defaults=form.defaults(),
            )  # fmt: skip
        except Refusals as refusals:
            refused(form, refusals, names=form.faults)
        else:
            return redirect("imports_file", pk)
    return render(request, "desk/import_columns.html", {"form": form, "file": batch})


@page(*DESK)
def file(request: DeskRequest, pk: int) -> HttpResponse:
    """How far it is, and what becomes of each row, with the reason in plain words."""
    batch = _mine(request, pk)
    if batch.state == ImportState.STAGED:
        return redirect("imports_columns", pk)
    fate, after = request.GET.get("fate", ""), request.GET.get("after", "")
    rows = rows_of(batch, fate=fate, after=int(after) if after.isdecimal() and len(after) < 8 else 0)  # noqa: PLR2004
    context = _progress(batch) | {
        "rows": [each | {"said": FATES[Fate(each["fate"])], "faults": _told(each["faults"])} for each in rows],
        "fate": fate if fate in set(Fate) else "",
        "last": rows[-1]["line"] if rows else 0,
    }
    return render(request, "desk/import_file.html", context)


@page(*DESK, writes=True)
def look(request: DeskRequest, pk: int) -> HttpResponse:
    """How far it is by now; a press works on it for a second, so that it ends while no worker runs as well."""
    batch = _mine(request, pk)
    if request.method == "POST":
        work(longest=A_LOOK, now=clock.now(), machine=clock.machine(), batch_id=batch.pk)
        if request.headers.get("X-Requested-With") == "fetch":
            batch.refresh_from_db()
            return render(request, "desk/_import_progress.html", _progress(batch))
    return redirect("imports_file", pk)


@page(*DESK, writes=True)
def confirm(request: DeskRequest, pk: int) -> HttpResponse:
    """Let the rows that are fit be enrolled."""
    batch, form = _mine(request, pk), forms.Form(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            stage.confirm(clinic=request.clinic, batch_id=pk, by=request.user.email, now=clock.now())
        except Refusals as refusals:
            refused(form, refusals)
        else:
            return redirect("imports_file", pk)
    fates = summary(batch)["fates"]
    fit = fates[Fate.GOOD] + fates[Fate.QUIET]
    said = {
        "form": form, "back": reverse("imports_file", args=[pk]), "button": _("Enrol them"),
        "title": ngettext("Enrol %(n)d client?", "Enrol %(n)d clients?", fit) % {"n": fit},
        "happens": [
            _("Each is enrolled as at the desk, with every check made anew: a STOP that comes meanwhile wins."),
            _("%(n)d of them get messages, each first the one that confirms her yes.") % {"n": fates[Fate.GOOD]},
            _("%(n)d agreed to nothing and get nothing.") % {"n": fates[Fate.QUIET]},
            _("%(n)d are refused and stay out.") % {"n": fates[Fate.REFUSED]},
            _("It can't be undone by a press: each client's messages can be ended, or her data erased, on her page."),
        ],
    }  # fmt: skip
    return render(request, "desk/confirm.html", said)


@page(*DESK, writes=True)
def drop(request: DeskRequest, pk: int) -> HttpResponse:
    """Forget a file that nobody confirmed."""
    _mine(request, pk)
    form = forms.Form(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            stage.drop(clinic=request.clinic, batch_id=pk, by=request.user.email, now=clock.now())
        except Refusals as refusals:
            refused(form, refusals)
        else:
            return done(request, _("The file is forgotten. Nothing of it took effect."), "imports")
    said = {
        "form": form, "title": _("Forget this file?"), "button": _("Forget it"), "danger": True,
        "back": reverse("imports_file", args=[pk]),
        "happens": [_("Its rows are wiped here at once, and nobody is enrolled."), _("You can upload it again.")],
    }  # fmt: skip
    return render(request, "desk/confirm.html", said)


@page(*DESK)
def refused_rows(request: DeskRequest, pk: int) -> StreamingHttpResponse:
    """Every refusal with its line and its mend, as a file; no name and no address stand in it."""
    batch = _mine(request, pk)
    lines = _lines(refusals(batch), spoken(request))  # written later, when the page's language may be over
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="refused-{pk}.csv"'
    return answer


def _mine(request: DeskRequest, pk: int) -> ImportBatch:
    return hers(request, ImportBatch.objects.select_related("by", "clinic"), pk=pk)


def _progress(batch: ImportBatch) -> dict[str, Any]:
    said = summary(batch)
    said["refused_for"] = [each | {"reason": told_reason(each["reason"])} for each in said["refused_for"]]
    counted = [{"fate": fate, "said": words, "many": said["fates"][fate]} for fate, words in FATES.items()]
    return {
        "file": batch,
        "said": said,
        "state": STATES[ImportState(batch.state)],
        "at_work": batch.state in (ImportState.LOOKING, ImportState.CONFIRMED),
        "fates": [each for each in counted if each["many"]],
        "fit": said["fates"][Fate.GOOD] + said["fates"][Fate.QUIET],
    }


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, line: str) -> str:
        """The line."""
        return line


def _told(faults: list[list[str]], language: str | None = None) -> list[list[str]]:
    """The faults of a row, kept in English, in the language of the page."""
    return [[field, told(problem, language), told(mend, language)] for field, problem, mend in faults]


def _lines(found: Iterable[dict[str, Any]], language: str) -> Iterator[str]:
    """The rows of a CSV; a cell that a table program would reckon with is marked as text."""
    writer = csv.writer(_Echo())
    yield writer.writerow(["line", "external_id", "column", "problem", "mend"])
    for each in found:
        for fault in _told(each["faults"], language):
            yield writer.writerow([each["line"], *(_plain(cell) for cell in (each["external_id"], *fault))])


def _plain(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
