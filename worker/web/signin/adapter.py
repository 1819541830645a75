"""What allauth asks us: nobody signs up by herself, and what a second factor needs is sealed at rest."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings

from worker import clock, sealed

if TYPE_CHECKING:
    from django.http import HttpRequest

CONTEXT = "staff.second_factor"


class AccountAdapter(DefaultAccountAdapter):
    """People come in by the clinic's file or by an invitation, never through a form of the street."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Never."""
        return False

    def is_reauthentication_required(self, *, app: str, **_more: object) -> bool:
        """Who signed in just now may set up her second factor without saying the password twice."""
        records = get_authentication_records(context.request, context.request.user)
        signed_in = max((each["at"] for each in records), default=0)
        fresh = clock.machine().timestamp() - signed_in < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
        return not (app == "allauth.mfa" and fresh)


class SecondFactorAdapter(DefaultMFAAdapter):
    """Whoever reads the database still can't make a code."""

    def encrypt(self, text: str) -> str:
        """Seal a secret under the newest of FIELD_KEYS."""
        return base64.b64encode(sealed.seal(text, CONTEXT)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Open it. Raises Unreadable."""
        return sealed.unseal(base64.b64decode(encrypted_text), CONTEXT)
