"""Sign-in's own pages beside allauth's: the invitation, the language, and signing out everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.views import LoginView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import SetPasswordForm
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from worker.actions.staff import accounts
from worker.web.headers import private
from worker.web.signin.limits import SIGNED_OUT, tell
from worker.web.unavailable import needs_database

if TYPE_CHECKING:
    from typing import Any

    from django.http import HttpRequest, HttpResponse, HttpResponseBase


class SignIn(LoginView):
    """allauth's, which also says why one was signed out."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form, and a word."""
        tell(self.request)
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context


sign_in = login_not_required(needs_database(private(SignIn.as_view())))


@login_not_required
@require_POST
def speak(request: HttpRequest) -> HttpResponse:
    """Keep the language of the interface in a cookie, and go back to where one was."""
    there = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(there, allowed_hosts={request.get_host()})
    answer = redirect(there if safe else "/")
    wanted = request.POST.get("language", "")
    if wanted in dict(settings.LANGUAGES) and check_for_language(wanted):
        answer.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            wanted,
            max_age=365 * 24 * 3600,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return answer


@require_POST
@needs_database
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End every session of this person, this one too: the sign-in page says so, for the session can't any more."""
    assert request.user.pk is not None
    accounts.sign_out_everywhere(staff_id=request.user.pk)
    return redirect(f"{reverse('account_login')}?{SIGNED_OUT}")


@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@private
@needs_database
def invitation(request: HttpRequest, uid: str, token: str) -> HttpResponseBase:
    """Behind an invitation's link: choose a password, once. The same words for a link that is used, old or forged."""
    person = accounts.invited(uid, token)
    if person is None:
        return render(request, "account/invitation_over.html", status=404)
    form = SetPasswordForm(person, request.POST or None)
    if request.method == "POST" and form.is_valid():
        accounts.accept(uid=uid, token=token, password=form.cleaned_data["new_password1"])
        messages.success(request, _("Your password is set. Sign in with it now."))
        return redirect("account_login")
    return render(request, "account/invitation.html", {"form": form, "person": person})
