"""The people of the clinic: the owner invites, gives roles, and takes them away (P10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.mail import EmailMessage
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from worker.actions.staff import accounts
from worker.models import Staff
from worker.models.staff import Role
from worker.rules.refusal import Refusals
from worker.web.desk.frame import done, hers, page, refused, sent

if TYPE_CHECKING:
    from django.http import HttpResponse

    from worker.web.desk.frame import DeskRequest

ROLES = [
    (Role.DESK.value, gettext_lazy("Desk: enrols clients, moves visits, answers the day's questions")),
    (Role.PRACTITIONER.value, gettext_lazy("Practitioner: reads and approves the texts")),
    (Role.OPERATOR.value, gettext_lazy("Operator: watches the queues, pauses and resumes")),
    (Role.OWNER.value, gettext_lazy("Owner: invites people and gives them roles")),
]
LICENCE = gettext_lazy("Needed for practitioners: it stands in every approval.")


class RolesForm(forms.Form):
    """What a person may do."""

    roles = forms.MultipleChoiceField(label=gettext_lazy("Roles"), choices=ROLES, widget=forms.CheckboxSelectMultiple)
    licence = forms.CharField(label=gettext_lazy("Licence number"), max_length=60, required=False, help_text=LICENCE)


class InviteForm(RolesForm):
    """Whom to let in."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    email = forms.EmailField(label=gettext_lazy("Email"), max_length=254)
    field_order = ("name", "email", "roles", "licence")


@page(Role.OWNER, writes=True, again=True)
def people(request: DeskRequest) -> HttpResponse:
    """Everybody who may sign in, and the form that invites one more; asks for the password again, as `person` does."""
    form = InviteForm(sent(request))
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = accounts.invite(
                clinic_id=request.clinic.pk, email=said["email"], name=said["name"], licence=said["licence"],
                roles=[Role(each) for each in said["roles"]], by=f"staff:{request.user.pk}",
            )  # fmt: skip
        except Refusals as refusals:
            refused(form, refusals)
        else:
            return _invited(request, made)
    staff = Staff.objects.filter(clinic=request.clinic).prefetch_related("roles").order_by("name", "pk")
    return render(request, "desk/people.html", {"form": form, "staff": staff, "role_words": dict(ROLES)})


def _invited(request: DeskRequest, made: accounts.Invited) -> HttpResponse:
    link = settings.PUBLIC_URL + reverse("invitation", args=[made.uid, made.token])
    words = {"person": made.staff, "clinic": request.clinic, "by": request.user, "link": link}
    subject = _("Your invitation to %(clinic)s") % {"clinic": request.clinic.name}
    letter = EmailMessage(subject, render_to_string("account/email/invitation.txt", words), to=[made.staff.email])
    try:
        letter.send()
    except Exception:  # noqa: BLE001 - a relay may fail in any way; the person is in, and the link can be sent again
        said = _("%(name)s is in, but the letter could not be sent. Invite once more when the mail works again.")
        return done(request, said % {"name": made.staff.name}, "people")
    return done(request, _("%(name)s has an invitation by email.") % {"name": made.staff.name}, "people")


@page(Role.OWNER, writes=True, again=True)
def person(request: DeskRequest, pk: int) -> HttpResponse:
    """Change what one person may do; asks for the password again, for roles open doors."""
    someone = hers(request, Staff.objects.prefetch_related("roles"), pk=pk)
    initial = {"roles": sorted(someone.held), "licence": someone.licence}
    form = RolesForm(sent(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        roles = [Role(each) for each in form.cleaned_data["roles"]]
        try:
            accounts.change_roles(
                staff_id=pk, clinic_id=request.clinic.pk, roles=roles, licence=form.cleaned_data["licence"],
                by=f"staff:{request.user.pk}",
            )  # fmt: skip
        except Refusals as refusals:
            refused(form, refusals)
        else:
            return done(request, _("%(name)s has these roles now.") % {"name": someone.name}, "people")
    return render(request, "desk/person.html", {"form": form, "person": someone})


@page(Role.OWNER, writes=True, again=True)
def person_access(request: DeskRequest, pk: int) -> HttpResponse:
    """Let a person in no more, at once and on every device; or again."""
    someone = hers(request, Staff.objects.all(), pk=pk)
    form, active = forms.Form(sent(request)), not someone.is_active
    if request.method == "POST" and form.is_valid():
        try:
            accounts.switch(staff_id=pk, clinic_id=request.clinic.pk, active=active, by=f"staff:{request.user.pk}")
        except Refusals as refusals:
            refused(form, refusals)
        else:
            said = _("%(name)s may sign in again.") if active else _("%(name)s is signed out and may not sign in.")
            return done(request, said % {"name": someone.name}, "people")
    return render(request, "desk/confirm.html", {"form": form, "back": reverse("people"), **_words(someone)})


def _words(someone: Staff) -> dict[str, Any]:
    name = {"name": someone.name}
    if not someone.is_active:
        return {"title": _("Let %(name)s in again?") % name, "button": _("Let in again"),
                "happens": [_("The old password works again, and so does the second factor.")]}  # fmt: skip
    return {
        "title": _("Let %(name)s in no more?") % name,
        "button": _("End access"),
        "danger": True,
        "happens": [
            _("Every device is signed out at once."),
            _("What was enrolled or approved stays as it is, with the name on it."),
            _("You can let the same person in again at any time."),
        ],
    }
