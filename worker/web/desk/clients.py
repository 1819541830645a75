"""Find a client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render

from worker.reading import directory
from worker.web.desk.frame import page
from worker.web.desk.navigation import DESK

if TYPE_CHECKING:
    from django.http import HttpResponse

    from worker.web.desk.frame import DeskRequest


@page(*DESK, writes=True)
def clients(request: DeskRequest) -> HttpResponse:
    """By name, phone, its last four digits, or email; by POST, so that no name stands in an address or a log (P9)."""
    text = request.POST.get("who", "")
    found = directory.find(request.clinic, text) if text else directory.newest(request.clinic)
    return render(request, "desk/clients.html", {"found": found, "text": text})
