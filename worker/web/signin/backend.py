"""Find the person behind a session with her clinic and roles, in one query: every page needs all three."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.auth_backends import AuthenticationBackend

from worker.models import Staff, StaffRole
from worker.models.staff import Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class StaffBackend(AuthenticationBackend):
    """allauth's backend; a person without any role is nobody here."""

    def get_user(self, user_id: int) -> Staff | None:
        """The person of a session, while she is active and holds a role."""
        rows = list(StaffRole.objects.select_related("staff__clinic").filter(staff_id=user_id))
        if not rows or not rows[0].staff.is_active:
            return None
        person = rows[0].staff
        person.held = frozenset(Role(row.role) for row in rows)
        return person

    def user_can_authenticate(self, user: Staff | AnonymousUser | None) -> bool:
        """Active, and with something to do here."""
        able = bool(super().user_can_authenticate(user))
        return able and isinstance(user, Staff) and user.roles.exists()
