"""Find the person behind a session with her clinic, roles and what waits there, in one query: every page needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.auth_backends import AuthenticationBackend

from worker.models import Staff, StaffRole
from worker.models.staff import Role
from worker.reading.inbox import Counts, many_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class StaffBackend(AuthenticationBackend):
    """allauth's backend; a person without any role is nobody here."""

    def get_user(self, user_id: int) -> Staff | None:
        """The person of a session, while she is active and holds a role."""
        found = StaffRole.objects.select_related("staff__clinic").annotate(**many_of("staff__clinic"))
        rows = list(found.filter(staff_id=user_id))
        if not rows or not rows[0].staff.is_active:
            return None
        person = rows[0].staff
        person.held = frozenset(Role(row.role) for row in rows)
        person.replies = Counts(rows[0].open, rows[0].red)  # type: ignore[attr-defined] # annotated
        return person

    def user_can_authenticate(self, user: Staff | AnonymousUser | None) -> bool:
        """Active, and with something to do here."""
        able = bool(super().user_can_authenticate(user))
        return able and isinstance(user, Staff) and user.roles.exists()
