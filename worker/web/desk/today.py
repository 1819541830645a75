"""Today: who was treated, what goes out, and what needs a person; nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render

from worker import clock
from worker.models.staff import Role
from worker.reading.today import today as read
from worker.web.desk.frame import page
from worker.web.desk.navigation import DESK
from worker.web.desk.task_words import URGENT, said_of

if TYPE_CHECKING:
    from django.http import HttpResponse

    from worker.web.desk.frame import DeskRequest


@page(*Role)
def today(request: DeskRequest) -> HttpResponse:
    """The clinic's day; an operator sees how much, and not whose."""
    now = clock.now()
    day = read(request.clinic, now=now)
    todos = [{"row": each, "said": said_of(each.kind), "urgent": each.kind in URGENT} for each in day.todos]
    todos.sort(key=lambda each: not each["urgent"])  # stable: within each the order of the reading stays
    names = bool(request.user.held & set(DESK))
    return render(request, "desk/today.html", {"now": now, "day": day, "todos": todos, "names": names})
