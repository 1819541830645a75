"""What the desk does for a client: each says first what will happen, acts by POST, and can be undone where cheap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from worker import clock
from worker.actions.clients.find import DESK as MAY
from worker.actions.consent import desk_hold, desk_revoke, release
from worker.actions.course.resend import resend
from worker.actions.privacy.erase import erase
from worker.actions.record.task import finish
from worker.models import Client, Contact, Message, StaffTask
from worker.reading.directory import name_of
from worker.rules.names import Channel, Purpose
from worker.rules.refusal import Refusals
from worker.rules.release import ReleaseReason
from worker.web.desk.enrol_form import WORDS
from worker.web.desk.frame import done, hers, page, refused, sent
from worker.web.desk.navigation import DESK

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse

    from worker.web.desk.frame import DeskRequest

assert set(MAY) == set(DESK), "whoever may act may see the page, and the other way round"
EVERYTHING = "everything"


class StopForm(forms.Form):
    """What she wants to end, and how she said it."""

    what = forms.ChoiceField(label=lazy("What should end"), widget=forms.RadioSelect, initial=EVERYTHING)
    reason = forms.CharField(
        label=lazy("How she said it"), max_length=200,
        help_text=lazy("Kept sealed as evidence: “told me at the desk”, “letter of 3 May”."),
    )  # fmt: skip


class ReleaseForm(forms.Form):
    """What was found out before the messages go on."""

    reason = forms.ChoiceField(label=lazy("What you found out"), widget=forms.RadioSelect, choices=[
        (ReleaseReason.SPOKEN.value, lazy("I spoke with her: she wants the messages")),
        (ReleaseReason.HARMLESS.value, lazy("Her reply had nothing to do with stopping")),
        (ReleaseReason.PROVIDER.value, lazy("What the provider reported is cleared up")),
        (ReleaseReason.MISTAKE.value, lazy("It was held by mistake")),
    ])  # fmt: skip


class EraseForm(forms.Form):
    """No erasure by one slip of a finger."""

    sure = forms.BooleanField(label=lazy("She asked for it, and I understand that it can't be undone"))


def ask(
    request: DeskRequest, client: Client, form: forms.Form, act: Callable[[], HttpResponse], **words: Any
) -> HttpResponse:
    """Show what will happen; do it once it is confirmed; put a refusal beside its field (P12)."""
    if request.method == "POST" and form.is_valid():
        try:
            return act()
        except Refusals as refusals:
            refused(form, refusals)
    back = reverse("clients_client", args=[client.pk])
    return render(request, "desk/confirm.html", {"form": form, "back": back, **words})


@page(*DESK, writes=True)
def stop(request: DeskRequest, pk: int) -> HttpResponse:
    """A word at the desk counts as a STOP does: at once, for good (rules 25, 27)."""
    client = hers(request, Client.objects.all(), pk=pk, erased_at__isnull=True)
    form = StopForm(sent(request))
    channels = sorted(
        set(Contact.objects.filter(client=client, valid_to__isnull=True).values_list("channel", flat=True))
    )
    parts = [(f"{channel}.{purpose}", WORDS[Channel(channel), purpose]) for channel in channels for purpose in Purpose]
    field = form.fields["what"]
    assert isinstance(field, forms.ChoiceField)
    field.choices = [(EVERYTHING, _("Everything, on every phone and mailbox of hers")), *parts]

    def act() -> HttpResponse:
        _stop(request, client, form.cleaned_data["what"], form.cleaned_data["reason"])
        said = _("It has ended, at once. What she now will not hear is among the tasks.")
        nothing = _("There was nothing to end: no phone or mailbox of hers is on file here.")
        return done(request, said if channels else nothing, "clients_client", pk)

    return ask(
        request, client, form, act, title=_("End messages for %(name)s") % {"name": name_of(client)}, danger=True,
        button=_("End them now"),
        happens=[
            _("Nothing of it is sent any more, from this second on; what was planned is cancelled."),
            _("It can't be undone from here: only she herself can come back, by START or a new form."),
            _("What she needed to know and now will not get becomes a task: hand it over."),
        ],
    )  # fmt: skip


def _stop(request: DeskRequest, client: Client, what: str, reason: str) -> None:
    now, by = clock.now(), f"staff:{request.user.pk}"
    if what == EVERYTHING:
        desk_revoke.from_desk(
            clinic_slug=request.clinic.slug, phone="", email="", client_id=client.pk, reason=reason, received_at=now,
            now=now, by=by,
        )  # fmt: skip
        return
    channel, _dot, purpose = what.partition(".")
    desk_revoke.part_from_desk(
        client=client,
        channel=Channel(channel),
        purpose=Purpose(purpose),
        reason=reason,
        by=by,
        received_at=now,
        now=now,
    )


@page(*DESK, writes=True)
def hold(request: DeskRequest, pk: int) -> HttpResponse:
    """Nothing automatic for a while."""
    client = hers(request, Client.objects.all(), pk=pk, erased_at__isnull=True)

    def act() -> HttpResponse:
        desk_hold.hold_client(client_id=pk, by=f"staff:{request.user.pk}", now=clock.now())
        undo = reverse("clients_resume", args=[pk])
        return done(request, _("Paused: nothing goes out until somebody ends it."), "clients_client", pk, undo=undo)

    return ask(
        request, client, forms.Form(sent(request)), act, button=_("Pause"),
        title=_("Pause messages for %(name)s") % {"name": name_of(client)},
        happens=[
            _("Planned messages wait. What becomes too late meanwhile is not made up for."),
            _("If she shares a phone or mailbox, it waits for whoever shares it too."),
            _("You can end the pause on her page at any time."),
        ],
    )  # fmt: skip


@page(*DESK, writes=True)
def resume(request: DeskRequest, pk: int) -> HttpResponse:
    """End a hold, with what was found out; the undo of a pause ends that pause alone and needs no page of its own."""
    client = hers(request, Client.objects.all(), pk=pk, erased_at__isnull=True)
    form = ReleaseForm(sent(request))
    if request.method == "POST" and "undo" in request.POST:
        try:
            many = desk_hold.undo_hold(client_id=pk, by=f"staff:{request.user.pk}", now=clock.now())
            return _going_on(request, pk, many)
        except Refusals as refusals:
            refused(form, refusals)

    def act() -> HttpResponse:
        made = release.release_client(
            client_id=pk, by=request.user.email, reason=ReleaseReason(form.cleaned_data["reason"]), now=clock.now()
        )
        return _going_on(request, pk, made.messages)

    return ask(
        request, client, form, act, button=_("Go on"), title=_("Go on with %(name)s") % {"name": name_of(client)},
        happens=[_("What waited is planned again, passes every check anew, and never comes all at once.")],
    )  # fmt: skip


def _going_on(request: DeskRequest, pk: int, many: int) -> HttpResponse:
    said = ngettext(
        "Going on: %(many)s message is planned again.", "Going on: %(many)s messages are planned again.", many
    )
    return done(request, said % {"many": many}, "clients_client", pk)


@page(*DESK, writes=True)
def again(request: DeskRequest, pk: int) -> HttpResponse:
    """Send one step once more."""
    row = hers(request, Message.objects.select_related("client", "step"), pk=pk, client__isnull=False)
    client = row.client
    assert client is not None

    def act() -> HttpResponse:
        resend(message_id=pk, by=f"staff:{request.user.pk}", now=clock.now())
        return done(request, _("It is on its way, as soon as the hour allows."), "clients_client", client.pk)

    return ask(
        request, client, forms.Form(sent(request)), act, button=_("Send it again"),
        title=_("Send “%(step)s” again?") % {"step": row.step.code},
        happens=[
            _("The approved text goes out once more, when the hour allows and if everything still permits it."),
            _("She may already have it: then it reaches her twice."),
        ],
    )  # fmt: skip


@page(*DESK, writes=True, again=True)
def forget(request: DeskRequest, pk: int) -> HttpResponse:
    """Erase her, for good; asks for the password or the second factor again."""
    client = hers(request, Client.objects.all(), pk=pk, erased_at__isnull=True)
    form = EraseForm(sent(request))

    def act() -> HttpResponse:
        erase(client_id=pk, by=request.user.email, now=clock.now())
        return done(
            request, _("She is erased. The stop and the proof stay; names, addresses and texts are gone."), "clients"
        )

    return ask(
        request, client, form, act, danger=True, button=_("Erase her data"),
        title=_("Erase %(name)s?") % {"name": name_of(client)},
        happens=[
            _("Name, addresses, replies, texts and signatures are wiped here; the provider is asked to."),
            _("Everything planned ends. Booked visits are cancelled here; tell your calendar too."),
            _("A STOP is kept as a keyed hash, so that nobody can write to her again by mistake."),
            _("It can't be undone. Make a dossier first if you may need one."),
        ],
    )  # fmt: skip


@page(*DESK, writes=True)
def task_done(request: DeskRequest, pk: int) -> HttpResponse:
    """One thing is done."""
    task = hers(request, StaffTask.objects.all(), pk=pk)
    if request.method == "POST":
        finish(task_id=pk, by=request.user.email, now=clock.now())
        return done(request, _("Done."), "clients_client", task.client_id) if task.client_id else redirect("today")
    return redirect("clients_client", task.client_id) if task.client_id else redirect("today")
