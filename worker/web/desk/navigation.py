"""The menu, by role: a page that is not for her is not offered to her."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from worker.models import Staff
from worker.models.staff import Role
from worker.reading.inbox import counts

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.functional import _StrPromise

DESK = (Role.DESK, Role.PRACTITIONER, Role.OWNER)
EDITORS = (Role.PRACTITIONER, Role.OWNER)
EVERYONE = tuple(Role)


class Entry(NamedTuple):
    """One line of the menu: the name of its address, its word, and for whom it is."""

    url: str
    word: _StrPromise
    roles: tuple[Role, ...]


MENU = (
    Entry("today", _("Today"), EVERYONE),
    Entry("inbox", _("Replies"), DESK),
    Entry("enrol", _("Enrol"), DESK),
    Entry("clients", _("Clients"), DESK),
    Entry("protocols", _("Protocols"), DESK),
    Entry("imports", _("Import"), DESK),
    Entry("operations", _("Machine room"), (Role.OPERATOR, Role.OWNER)),
    Entry("people", _("People"), (Role.OWNER,)),
)


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the menu of whoever is signed in, and how many replies wait; nothing for anybody else."""
    user = getattr(request, "user", None)
    rehearsal = settings.SANDBOX_URL if settings.ALL_SANDBOX else ""
    if not isinstance(user, Staff):
        return {"menu": [], "languages": settings.LANGUAGES, "rehearsal": rehearsal}
    replies = (user.replies or counts(user.clinic)) if user.held & set(DESK) else None
    match = request.resolver_match
    section = (match.url_name or "").partition("_")[0] if match else ""
    menu = [
        {"url": reverse(each.url), "word": each.word, "here": each.url == section, "replies": each.url == "inbox"}
        for each in MENU
        if user.held & set(each.roles)
    ]
    return {"menu": menu, "languages": settings.LANGUAGES, "rehearsal": rehearsal, "replies": replies}
