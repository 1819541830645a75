"""A copy of a message at a provider that is to be emptied or deleted there (rules 57, 63)."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import Index, Q, UniqueConstraint

from worker.models.clinic import Clinic
from worker.models.kinds import choices, one_of


class CopyAct(StrEnum):
    """`redact` empties the text, `delete` takes the number as well."""

    REDACT = "redact"
    DELETE = "delete"


class CopyState(StrEnum):
    """`failed` is given up, before staff, until the erasure is asked for again."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class ProviderCopy(models.Model):
    """One call that has to be made, and what became of it. Names no person: the provider's id of the message alone."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    client_id = models.BigIntegerField(null=True)
    account_sid = models.CharField(max_length=34)
    provider_id = models.CharField(max_length=80)
    act = models.CharField(max_length=8, choices=choices(CopyAct))
    state = models.CharField(max_length=8, choices=choices(CopyState), default=CopyState.PENDING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()  # calendar; while a worker is at it, when another may be
    code = models.CharField(max_length=40, blank=True)
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            UniqueConstraint(fields=["provider_id", "account_sid", "act"], name="copy_once"),
            one_of("act", CopyAct, name="copy_act"),
            one_of("state", CopyState, name="copy_state"),
        )
        indexes = (
            Index(fields=["next_at"], condition=Q(state="pending"), name="copy_waiting"),
            Index(fields=["asked_at"], condition=Q(state="failed"), name="copy_failed"),
        )
