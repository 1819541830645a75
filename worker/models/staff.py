"""The people of a clinic who sign in, and what each may do."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import UniqueConstraint
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property

from worker.models.clinic import Clinic
from worker.models.kinds import choices, one_of


class Role(StrEnum):
    """Desk enrols, a practitioner approves, an operator watches and drains, an owner appoints."""

    DESK = "desk"
    PRACTITIONER = "practitioner"
    OPERATOR = "operator"
    OWNER = "owner"


class StaffManager(BaseUserManager["Staff"]):
    """Finds staff by their email."""

    def get_by_natural_key(self, username: str | None) -> Staff:
        """Sign-in ignores the case of the email."""
        return self.get(email__iexact=username)


class Staff(AbstractBaseUser):
    """One person at one clinic; staff addresses are business data and stay readable."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="staff")
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    licence = models.CharField(max_length=60, blank=True)  # a practitioner's licence number, quoted in approvals
    is_active = models.BooleanField(default=True)
    sign_outs = models.PositiveIntegerField(default=0)  # part of every session's key: one more ends them all

    replies: Any = None  # what waits at her clinic, as far as whoever found her asked
    objects: ClassVar[StaffManager] = StaffManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        """As pages greet her."""
        return self.name or self.email

    @cached_property
    def held(self) -> frozenset[Role]:
        """The roles that she holds."""
        return frozenset(Role(each.role) for each in self.roles.all())

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django's, and how often she signed out everywhere."""
        key = f"aftercare.staff.session.{self.sign_outs}"
        return salted_hmac(key, self.password, secret=secret, algorithm="sha256").hexdigest()


class StaffRole(models.Model):
    """One role of one person."""

    staff = models.ForeignKey(Staff, on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(max_length=12, choices=choices(Role))

    class Meta:
        constraints = (
            UniqueConstraint(fields=["staff", "role"], name="staff_role_once"),
            one_of("role", Role, name="staff_role"),
        )
