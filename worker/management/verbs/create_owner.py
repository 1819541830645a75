"""aftercare create-owner."""

from __future__ import annotations

import getpass
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

HELP = "let the first person of a clinic sign in: she can invite the others"


def add(parser: argparse.ArgumentParser) -> None:
    """Who, and where."""
    parser.add_argument("email", help="her email; it is what she signs in with")
    parser.add_argument("--name", default="", help="her name, when the clinic's file does not know her")
    parser.add_argument("--clinic", default="", help="the clinic's slug, when there is more than one")
    parser.add_argument("--password-stdin", action="store_true", help="read a password instead of printing a link")


def run(options: argparse.Namespace) -> int:
    """Make her an owner beside the roles she has, and print the link behind which she chooses a password."""
    from worker.management.cli import ready

    ready()
    from django.conf import settings
    from django.urls import reverse

    from worker.actions.clients import find
    from worker.actions.staff import accounts
    from worker.models import Staff
    from worker.models.staff import Role

    clinic = find.clinic(options.clinic) if options.clinic else find.only_clinic()
    known = Staff.objects.prefetch_related("roles").filter(email__iexact=options.email, clinic=clinic).first()
    roles = {*(known.held if known else ()), Role.OWNER}
    name = options.name or (known.name if known else options.email.partition("@")[0])
    made = accounts.invite(
        clinic_id=clinic.pk, email=options.email, name=name, roles=roles, by="system",
        licence=known.licence if known else "", over=True,
    )  # fmt: skip
    if options.password_stdin:
        accounts.set_password(email=options.email, password=_password())
        print(f"{made.staff.email} owns {clinic.name}: {settings.PUBLIC_URL}{reverse('account_login')}")
        return 0
    print(f"{made.staff.email} owns {clinic.name}. Behind this link she chooses a password, once, within three days:")
    print(f"{settings.PUBLIC_URL}{reverse('invitation', args=[made.uid, made.token])}")
    return 0


def _password() -> str:
    """From a terminal without showing it, else from standard input. Raises Refusals."""
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    from worker.rules.refusal import Refusal, Refusals

    said = getpass.getpass() if os.isatty(sys.stdin.fileno()) else sys.stdin.readline().rstrip("\n")
    try:
        validate_password(said)
    except ValidationError as error:
        raise Refusals([Refusal("password", "is too weak", " ".join(error.messages))]) from None
    return said
