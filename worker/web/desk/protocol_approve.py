"""A practitioner reads what changed and for whom, says yes or takes it back, and lets running courses follow (P3)."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, Any

from django import forms
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from worker import clock, rendering
from worker.actions.course.adopt import adopt
from worker.actions.protocols.approve import REVIEW_AFTER, approve, withdraw
from worker.models.staff import Role
from worker.reading.approved import title
from worker.reading.protocol_diff import Terms, changes
from worker.reading.protocols import touched
from worker.reading.shadow import difference
from worker.rules.local_time import instant, local, zone
from worker.rules.refusal import Refusals
from worker.web.desk.enrol_form import Day
from worker.web.desk.frame import done, page, refused, sent
from worker.web.desk.navigation import DESK
from worker.web.desk.protocol_words import EFFECTS, frame, what, whole
from worker.web.desk.protocols import about, spoken, staged, steps

if TYPE_CHECKING:
    from django.http import HttpResponse

    from worker.actions.course.adopt import Adopted
    from worker.models import Protocol
    from worker.reading.protocols import Stage
    from worker.web.desk.frame import DeskRequest

TERMS = Terms(whole, frame)
LOOKED_AT = 500  # running clients, for a page that somebody waits for; `aftercare adopt CODE --preview` takes more
AT_ONCE = 100  # clients that one press brings over: a second of work, and the next press goes on where it stopped


class ApproveForm(forms.Form):
    """Until when the yes holds; `sha256` is what was on the screen, for a yes counts for that and nothing else."""

    review_by = forms.DateField(
        label=lazy("Read it again by"), widget=Day,
        help_text=lazy("From that day on nothing of it is sent until somebody approves it anew. Two years at most."),
    )  # fmt: skip
    read = forms.BooleanField(label=lazy("I have read every text of it, in every language, and answer for it"))
    sha256 = forms.CharField(widget=forms.HiddenInput, max_length=64)


@page(*DESK)
def differences(request: DeskRequest, pk: int) -> HttpResponse:
    """What the newest version says otherwise than the approved one, and what that would do to running courses."""
    stage = staged(request, pk)
    return render(request, "desk/protocol_changes.html", about(request, stage) | _changes(request, stage))


@page(Role.PRACTITIONER, writes=True, again=True)
def approve_page(request: DeskRequest, pk: int) -> HttpResponse:
    """Read what is new, see whom it touches, say yes; asks for the password or the second factor again."""
    stage, now = staged(request, pk), clock.now()
    today = local(now, zone(request.clinic.zone)).date()
    form = ApproveForm(sent(request), initial={"review_by": today + REVIEW_AFTER, "sha256": stage.newest.sha256})
    if request.method == "POST" and form.is_valid():
        until = instant(form.cleaned_data["review_by"], time(), zone(request.clinic.zone))
        try:
            approval, _new = approve(
                protocol=stage.protocol, by=request.user.email, now=now, review_by=until,
                sha256=form.cleaned_data["sha256"],
            )  # fmt: skip
        except Refusals as refusals:
            refused(form, refusals)
        else:
            said = _("Version %(n)d is approved. New clients are enrolled under it from now on.")
            return done(request, said % {"n": approval.version.number}, "protocols_page", pk)
    context = about(request, stage) | _changes(request, stage) | {"form": form}
    return render(request, "desk/protocol_approve.html", context)


@page(Role.PRACTITIONER, writes=True, again=True)
def withdraw_page(request: DeskRequest, pk: int) -> HttpResponse:
    """Take the yes back: from then on nothing of the protocol leaves."""
    stage, form = staged(request, pk), forms.Form(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            withdraw(protocol=stage.protocol, by=request.user.email, now=clock.now())
        except Refusals as refusals:
            refused(form, refusals)
        else:
            said = _("The approval is withdrawn. Nothing of this protocol leaves until a version is approved again.")
            return done(request, said, "protocols_page", pk)
    name = {"title": title(stage.newest, spoken(request))}
    words = {
        "form": form, "back": reverse("protocols_page", args=[pk]), "button": _("Withdraw the approval"),
        "title": _("Withdraw the approval of “%(title)s”?") % name, "danger": True,
        "happens": _after_withdrawal(stage.protocol),
    }  # fmt: skip
    return render(request, "desk/confirm.html", words)


@page(Role.PRACTITIONER, writes=True, again=True)
def adopt_page(request: DeskRequest, pk: int) -> HttpResponse:
    """Let running courses go on under the approved version, a hundred clients a press."""
    stage, form = staged(request, pk), forms.Form(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            made = adopt(protocol=stage.protocol, by=request.user.email, now=clock.now(), most=AT_ONCE)
        except Refusals as refusals:
            refused(form, refusals)
        else:
            return done(request, _adopted(made), "protocols_adopt" if made.left else "protocols_page", pk)
    return render(
        request, "desk/protocol_adopt.html", about(request, stage) | _changes(request, stage) | {"form": form}
    )


def _adopted(made: Adopted) -> str:
    said = ngettext("%(clients)d client goes on under version %(version)d.",
                    "%(clients)d clients go on under version %(version)d.", made.clients)  # fmt: skip
    said %= {"clients": made.clients, "version": made.version}
    if not made.left:
        return said
    left = ngettext("%(left)d is left: press again.", "%(left)d are left: press again for them.", made.left)
    return f"{said} {left % {'left': made.left}}"


def _after_withdrawal(protocol: Protocol) -> list[str]:
    many = sum(each.messages for each in touched(protocol))
    return [
        _("Nothing of this protocol is sent any more, from this second on."),
        ngettext("%(n)d message is planned: at its hour it is withheld.",
                 "%(n)d messages are planned: each is withheld at its hour.", many) % {"n": many},
        _("Nobody can be enrolled under it, and its care pages ask clients to call."),
        _("To undo it, approve the version again: what is still to come then goes as planned."),
    ]  # fmt: skip


def _changes(request: DeskRequest, stage: Stage) -> dict[str, Any]:
    """The difference to the approved version, and to what is running."""
    before = rendering.version(stage.approval.version.document).source if stage.approval else None
    found = difference(stage.protocol, now=clock.now(), most=LOOKED_AT)
    for each in found["steps"]:
        each["said"] = EFFECTS[each["change"]] % {"n": each["messages"]}
    changed = changes(before, stage.source, TERMS) if before else []
    return {
        "changes": [each._replace(what=what(each.what)) for each in changed],
        "steps": [] if before else steps(stage.newest, request.clinic),
        "effect": found,
    }
