"""A clinic's protocols: what is approved, what waits to be read, and every step with its words (P3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.shortcuts import render

from worker import clock
from worker.models import Protocol, ProtocolVersion, Staff
from worker.models.staff import Role
from worker.reading import protocols as reading
from worker.reading.approved import title
from worker.reading.protocol_steps import shown
from worker.web.desk import protocol_words as words
from worker.web.desk.frame import hers, page
from worker.web.desk.navigation import DESK, EDITORS

if TYPE_CHECKING:
    from django.http import HttpResponse

    from worker.models import Clinic
    from worker.reading.protocols import Stage
    from worker.web.desk.frame import DeskRequest


@page(*DESK)
def protocols(request: DeskRequest) -> HttpResponse:
    """All of them, with what new clients get and what waits for a practitioner."""
    stages = [
        {"stage": each, "title": title(each.newest, spoken(request))}
        for each in reading.protocols(request.clinic, now=clock.now())
    ]
    return render(request, "desk/protocols.html", {"stages": stages, "now": clock.now()})


@page(*DESK)
def protocol(request: DeskRequest, pk: int) -> HttpResponse:
    """One protocol: its state, its versions, and the newest version step by step."""
    stage = staged(request, pk)
    history, touched = reading.versions(stage.protocol), reading.touched(stage.protocol)
    context = about(request, stage) | {
        "versions": [{"row": each, "by": name} for each, name in zip(history, _writers(history), strict=True)],
        "touched": touched,
        "older": stage.approval is not None and any(each.number != stage.approval.version.number for each in touched),
        "edits": True,
        "steps": steps(stage.newest, request.clinic),
    }
    return render(request, "desk/protocol.html", context)


def staged(request: DeskRequest, pk: int) -> Stage:
    """A protocol of this clinic with its newest version and its approval; 404 for anybody else's (P10)."""
    found = hers(request, Protocol.objects.select_related("clinic"), pk=pk)
    return reading.stage(found, now=clock.now())


def version_of(request: DeskRequest, pk: int) -> ProtocolVersion:
    """One version of a protocol of this clinic; 404 for anybody else's (P10)."""
    rows = ProtocolVersion.objects.select_related("protocol__clinic")
    found = rows.filter(protocol__clinic=request.clinic, pk=pk).first()
    if found is None:
        raise Http404
    return found


def about(request: DeskRequest, stage: Stage) -> dict[str, Any]:
    """What every page of one protocol says of it, and what its reader may do there."""
    return {
        "stage": stage,
        "protocol": stage.protocol,
        "title": title(stage.newest, spoken(request)),
        "may_write": bool(request.user.held & set(EDITORS)),
        "may_approve": Role.PRACTITIONER in request.user.held,
        "languages": [(code, words.language(code)) for code in stage.source.languages],
    }


def steps(version: ProtocolVersion, clinic: Clinic) -> list[dict[str, Any]]:
    """Each step of a version with its hours in words and its texts by language."""
    return [
        {"step": each, "when": words.span(each.rule), "languages": [(words.language(one.language), one)
                                                                     for one in each.said]}
        for each in shown(version, clinic)
    ]  # fmt: skip


def spoken(request: DeskRequest) -> str:
    """The language of the interface."""
    return str(getattr(request, "LANGUAGE_CODE", "en"))[:2]


def _writers(history: list[ProtocolVersion]) -> list[str]:
    """Who saved each version: "" for one that was loaded by a command."""
    pks = [each.created_by.removeprefix("staff:") for each in history]
    wanted = [int(pk) for pk in pks if pk.isdecimal()]
    names = {each.pk: str(each) for each in Staff.objects.filter(pk__in=wanted)} if wanted else {}
    return [names.get(int(pk), "") if pk.isdecimal() else "" for pk in pks]
