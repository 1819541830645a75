"""What clients wrote to us."""

from __future__ import annotations

from django.db import models
from django.db.models import Index, Q, UniqueConstraint

from worker.models.clinic import Clinic
from worker.models.kinds import CHANNELS
from worker.models.standing import Standing


class Inbound(models.Model):
    """One reply; the provider's id makes it counted once, however often the webhook comes."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    standing = models.ForeignKey(Standing, on_delete=models.PROTECT, related_name="inbound")
    channel = models.CharField(max_length=8, choices=CHANNELS)
    provider_id = models.CharField(max_length=80)
    word = models.CharField(max_length=20)  # what it was read as: stop, start, help, unclear, ...
    body_sealed = models.BinaryField(null=True)  # health data: sealed, never logged (rule 42)
    received_at = models.DateTimeField()
    follow_up_sealed = models.BinaryField(null=True)  # what a STOP still asks for; None once that is done

    class Meta:
        constraints = (UniqueConstraint(fields=["channel", "provider_id"], name="inbound_once"),)
        indexes = (
            Index(fields=["received_at"], condition=Q(body_sealed__isnull=False), name="inbound_kept"),
            Index(fields=["received_at"], condition=Q(follow_up_sealed__isnull=False), name="inbound_unsettled"),
        )
