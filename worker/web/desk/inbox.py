"""Replies: what waits for a person, one conversation, and what she does in it; with an undo where it is cheap."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from worker import clock
from worker.actions.converse import end, thread
from worker.models import Client, Conversation
from worker.reading.directory import name_of
from worker.reading.inbox import inbox as waiting
from worker.reading.thread import thread as read
from worker.rules.refusal import Refusals
from worker.web.desk.client_acts import ask
from worker.web.desk.frame import done, hers, page, refused, sent
from worker.web.desk.navigation import DESK
from worker.web.desk.states import said_of
from worker.web.desk.talk_words import act_said
from worker.web.refusal_words import told

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse

    from worker.reading.thread import Said
    from worker.web.desk.frame import DeskRequest

LONGEST = 4000


class ReplyForm(forms.Form):
    """What a person writes to her; the key makes a form that is pressed twice send once (P4)."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=40)
    words = forms.CharField(
        label=lazy("Your words to her"), widget=forms.Textarea(attrs={"rows": 4}), max_length=LONGEST,
        help_text=lazy("The clinic's name, its phone and how to stop are added, in approved words."),
    )  # fmt: skip
    no_stop = forms.BooleanField(label=lazy("I read her words: she does not ask to stop"), required=False)


@page(*DESK)
def inbox(request: DeskRequest) -> HttpResponse:
    """Everything that waits, the most pressing first."""
    now = clock.now()
    return render(request, "desk/inbox.html", {"rows": waiting(request.clinic, now=now), "now": now})


@page(*DESK, writes=True)
def talk(request: DeskRequest, pk: int) -> HttpResponse:
    """One conversation; a POST sends what was written, through every gate (P1, P2)."""
    rows = Conversation.objects.select_related("client", "clinic", "standing", "taken_by")
    conversation = hers(request, rows, pk=pk)
    form = ReplyForm(sent(request), initial={"key": uuid.uuid4().hex})
    if request.method == "POST" and form.is_valid():
        try:
            return _replied(request, pk, form.cleaned_data)
        except Refusals as refusals:
            refused(form, refusals, names={"conversation": "words"})
    found = read(conversation)
    said = [
        (each, said_of(each.state) if each.state else None, act_said(each.code)) for each in found.said if _shown(each)
    ]
    context: dict[str, Any] = {"known": found, "conversation": conversation, "said": said, "form": form}
    return render(request, "desk/talk.html", context | {"now": clock.now(), "client": conversation.client})


def _shown(each: Said) -> bool:
    return each.side != "act" or each.code != "replied"  # the words themselves stand there


def _replied(request: DeskRequest, pk: int, said: dict[str, Any]) -> HttpResponse:
    closes = request.POST.get("then") == "close"
    thread.reply(
        clinic=request.clinic, conversation_id=pk, words=said["words"], by=request.user.email, key=said["key"],
        now=clock.now(), no_stop=said["no_stop"], and_close=closes,
    )  # fmt: skip
    if closes:
        undo = reverse("inbox_act", args=[pk, "reopen"])
        return done(
            request, _("It is on its way, and the conversation is closed: her course goes on."), "inbox", undo=undo
        )
    return done(request, _("It is on its way. Her automated messages wait until you close."), "inbox_talk", pk)


@page(*DESK, writes=True)
def act(request: DeskRequest, pk: int, act: str) -> HttpResponse:
    """One press: take it, give it back, note a call, send the approved reply, close it, open it again."""
    hers(request, Conversation.objects.all(), pk=pk)
    if act not in ACTS:
        raise Http404
    if request.method != "POST":
        return redirect("inbox_talk", pk)
    try:
        return ACTS[act](request, pk)
    except Refusals as refusals:
        said = "; ".join(f"{told(each.problem)}: {told(each.mend)}" for each in refusals.faults)
        return _not_done(request, said, pk)


def _not_done(request: DeskRequest, said: str, pk: int) -> HttpResponse:
    messages.error(request, said)
    return redirect("inbox_talk", pk)


def _whose(request: DeskRequest, pk: int) -> dict[str, Any]:
    return {"clinic": request.clinic, "conversation_id": pk, "by": request.user.email, "now": clock.now()}


def _take(request: DeskRequest, pk: int) -> HttpResponse:
    thread.assign(**_whose(request, pk))
    return done(request, _("It is yours."), "inbox_talk", pk, undo=reverse("inbox_act", args=[pk, "back"]))


def _back(request: DeskRequest, pk: int) -> HttpResponse:
    thread.assign(**_whose(request, pk), back=True)
    return done(request, _("Anybody may take it."), "inbox_talk", pk)


def _called(request: DeskRequest, pk: int) -> HttpResponse:
    thread.note_answer(**_whose(request, pk), how=thread.Answer.CALLED)
    return done(request, _("Noted: somebody spoke with her. The clock has stopped."), "inbox_talk", pk)


def _seen(request: DeskRequest, pk: int) -> HttpResponse:
    thread.note_answer(**_whose(request, pk), how=thread.Answer.SEEN)
    return done(request, _("Noted: somebody looked into it. The clock has stopped."), "inbox_talk", pk)


def _fixed(request: DeskRequest, pk: int) -> HttpResponse:
    thread.reply_fixed(**_whose(request, pk), key=request.POST.get("key", "")[:40])
    return done(request, _("The approved reply is on its way."), "inbox_talk", pk)


def _close(request: DeskRequest, pk: int) -> HttpResponse:
    many = end.close(**_whose(request, pk), no_stop="no_stop" in request.POST)
    said = ngettext(
        "Closed. Her course goes on; %(many)s message that waited is checked anew.",
        "Closed. Her course goes on; %(many)s messages that waited are checked anew.", many,
    )  # fmt: skip
    return done(request, said % {"many": many}, "inbox", undo=reverse("inbox_act", args=[pk, "reopen"]))


def _reopen(request: DeskRequest, pk: int) -> HttpResponse:
    end.reopen(**_whose(request, pk))
    return done(request, _("Open again."), "inbox_talk", pk)


ACTS: dict[str, Callable[[DeskRequest, int], HttpResponse]] = {
    "take": _take, "back": _back, "called": _called, "seen": _seen, "fixed": _fixed, "close": _close, "reopen": _reopen,
}  # fmt: skip


@page(*DESK, writes=True)
def write(request: DeskRequest, pk: int) -> HttpResponse:
    """Begin to speak with a client from our side."""
    client = hers(request, Client.objects.all(), pk=pk, erased_at__isnull=True)

    def begin() -> HttpResponse:
        made = thread.take_up(clinic=request.clinic, client_id=pk, by=request.user.email, now=clock.now())
        return redirect("inbox_talk", made.pk)

    return ask(
        request, client, forms.Form(sent(request)), begin, button=_("Open the conversation"),
        title=_("Write to %(name)s") % {"name": name_of(client)},
        happens=[
            _("Her automated messages wait until you close the conversation."),
            _("What you write goes only where she agreed to be written to, and never after a stop."),
        ],
    )  # fmt: skip
