"""One client: past and coming, what may be sent and why not, and what the desk can do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.shortcuts import render

from worker import clock
from worker.models import Client, Message
from worker.reading.explain import explained
from worker.reading.one_client import next_visit, one_client
from worker.web.desk import agreed_words, task_words
from worker.web.desk.frame import hers, page
from worker.web.desk.navigation import DESK
from worker.web.desk.states import said_of, told_calls

if TYPE_CHECKING:
    from django.http import HttpResponse

    from worker.web.desk.frame import DeskRequest


@page(*DESK)
def client(request: DeskRequest, pk: int) -> HttpResponse:
    """Her page."""
    now = clock.now()
    row = hers(request, Client.objects.all(), pk=pk)
    known = one_client(row, now=now)
    context: dict[str, Any] = {"known": known, "client": row, "now": now, "visit": next_visit(known.visits, now)}
    context["coming"] = [(each, said_of(each.state)) for each in known.coming]
    context["tasks"] = [
        {**each, "said": task_words.said_of(each["kind"]), "urgent": each["kind"] in task_words.URGENT}
        for each in known.tasks
    ]
    context["acts"] = [(each, agreed_words.said_of(each)) for each in known.acts]
    context["past"] = [(each, said_of(each.state)) for each in known.past]
    return render(request, "desk/client.html", context)


@page(*DESK)
def why(request: DeskRequest, pk: int) -> HttpResponse:
    """One message's whole story, from what was recorded then (P8)."""
    row = hers(request, Message.objects.select_related("client", "step"), pk=pk, client__isnull=False)
    story = explained(row.pk)
    context = {"message": row, "client": row.client, "story": story, "state": said_of(story["state"]).word}
    return render(request, "desk/why.html", context | {"calls": told_calls(story["attempts"])})
