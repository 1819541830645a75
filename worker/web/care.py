"""A client's care page: the approved words of one step, and her plan day by day; readable by anyone who can read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_not_required
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from worker import clock, dates
from worker.models.appointment import AppointmentStatus
from worker.rendering import CannotRender
from worker.rules.local_time import local
from worker.sealed import Unreadable
from worker.web.care_calendar import next_visit
from worker.web.care_plan import Course, is_approved, opened
from worker.web.headers import private
from worker.web.pages import nothing_here
from worker.web.phrases import say, spoken
from worker.web.unavailable import needs_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from worker.models import Clinic, Link
    from worker.rules.steps import StepRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the plan: its day in words and as a date, what it is, and where to read it once its day has come."""

    day: str
    iso: str
    title: str
    url: str
    here: bool


@login_not_required
@require_safe
@private
@needs_database
def care(request: HttpRequest, token: str) -> HttpResponseBase:
    """The page of one step; opening it changes and records nothing (rule 39).

    404 for a link that is forged, ended or erased. While no approval covers these words, a calm page with the
    clinic's phone stands in for them (P3).
    """
    found = opened(token)
    return shown(request, token, *found) if found else nothing_here(request)


def shown(
    request: HttpRequest, token: str, link: Link, ordinal: int, *, said: Mapping[str, str] | None = None, **more: object
) -> HttpResponse:
    """The page of one step of a link.

    `said` are answers that were not taken; `more` is what else its template is told, such as what became of them.
    """
    course, now = Course(link), clock.now()
    rule = course.rule(ordinal)
    if rule is None and ordinal:
        return nothing_here(request)
    if not is_approved(course, now):
        return render(request, "care_paused.html", _frame(link))
    text = _text(course, rule) if rule else ""
    context = {
        "text": text, "text_language": course.language, "changed": rule is not None and not text,
        "lines": list(_lines(course, rule, now)), "asked": _asked(course, rule if text else None, said or {}),
        "answers_url": f"/c/{token}/answers",
    }  # fmt: skip
    visit = next_visit(link, now)
    booked = visit and visit.status == AppointmentStatus.BOOKED
    context["calendar_url"] = f"/c/{token}.ics" if booked else ""
    return render(request, "care.html", {**_frame(link), **context, **more})


def _frame(link: Link) -> dict[str, object]:
    clinic, language = link.clinic, link.client.language
    words = say(language, clinic=clinic.name, phone=clinic.phone)
    return {"language": spoken(language), "say": words, "clinic": clinic, "dial": dial(clinic)}


def dial(clinic: Clinic) -> str:
    """The clinic's number as a phone dials it (RFC 3966)."""
    return "tel:" + re.sub(r"[^0-9+]", "", clinic.phone)


def _text(course: Course, rule: StepRule) -> str:
    """The words, or "" when they are not true any more or can't be made from what is known today (P7)."""
    if not course.is_true_now(rule):
        return ""
    try:
        return mark_safe(course.text(rule))  # noqa: S308 - approved HTML; every value in it was escaped as it was filled in
    except (CannotRender, Unreadable):
        return ""


def _asked(course: Course, rule: StepRule | None, said: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Each question with its words, and what she tapped so far."""
    return [(code, words, said.get(code, "")) for code, words in course.asked(rule)] if rule else []


def _lines(course: Course, shown: StepRule | None, now: datetime) -> Iterator[Line]:
    for entry in course.entries():
        try:
            title = course.title(entry.rule)
        except (CannotRender, Unreadable):
            continue
        yield Line(
            day=dates.said_date(entry.at, course.zone, course.client.language),
            iso=local(entry.at, course.zone).date().isoformat(),
            title=title,
            url=course.url(entry.rule) if entry.at <= now else "",
            here=shown is not None and entry.rule.code == shown.code,
        )
