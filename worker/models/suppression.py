"""Addresses that must not be written to, whoever they belong to; outlives the client (rules 34, 62)."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import Index

from worker.models.clinic import Clinic
from worker.models.kinds import CHANNELS, both_or_neither, choices, one_of
from worker.rules.names import Channel


class SuppressionReason(StrEnum):
    """Why; START undoes only `keyword` (rule 30)."""

    KEYWORD = "keyword"
    LINK = "link"
    DESK = "desk"
    CARRIER = "carrier"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    INVALID = "invalid"
    WRONG_NUMBER = "wrong_number"
    LEGAL = "legal"


class Suppression(models.Model):
    """One reason not to write to one address; lifted, never deleted."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    standing = models.ForeignKey("Standing", on_delete=models.PROTECT, related_name="suppressions")
    channel = models.CharField(max_length=8, choices=CHANNELS)
    reason = models.CharField(max_length=20, choices=choices(SuppressionReason))
    source = models.CharField(max_length=120, blank=True)
    since = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=60, null=True)

    class Meta:
        constraints = (
            one_of("channel", Channel, name="suppression_channel"),
            one_of("reason", SuppressionReason, name="suppression_reason"),
            both_or_neither("lifted_at", "lifted_by", name="suppression_lifted"),
        )
        indexes = (Index(fields=["standing", "lifted_at"], name="suppression_of_address"),)
