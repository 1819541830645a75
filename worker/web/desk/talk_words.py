"""What was done in a conversation, as the desk says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import Promise

ACTS: dict[str, Promise] = {
    "called": _("spoke with her"),
    "seen": _("looked into it"),
    "taken": _("took it"),
    "given_back": _("gave it back"),
    "taken_up": _("began the conversation"),
    "closed": _("closed it"),
    "reopened": _("opened it again"),
}


def act_said(code: str) -> str:
    """A recorded act in words."""
    return str(ACTS.get(code, code.replace("_", " ")))
