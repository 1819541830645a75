"""Today: who was treated, what goes out, and what needs a person; nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render

from worker import clock
from worker.models.staff import Role
from worker.web.desk.frame import page

if TYPE_CHECKING:
    from django.http import HttpResponse

    from worker.web.desk.frame import DeskRequest


@page(*Role)
def today(request: DeskRequest) -> HttpResponse:
    """The clinic's day."""
    return render(request, "desk/today.html", {"now": clock.now()})
