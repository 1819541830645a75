"""The audit record: one row per decision or change, without foreign keys, and the chain over it."""

from __future__ import annotations

from django.db import models
from django.db.models import Index, UniqueConstraint


class Event(models.Model):
    """What was decided or changed, on which facts, by whom; ids and codes only, so that it may be kept for years."""

    clinic_id = models.BigIntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=40)  # decision, enrolled, approved, withdrawn, revoked, moved, ...
    subject = models.CharField(max_length=60)  # message:12, client:3, version:4
    actor = models.CharField(max_length=60)  # staff:12, client, worker, provider, system
    code = models.CharField(max_length=60, blank=True)  # a decision's reason code
    facts = models.JSONField(default=dict)

    class Meta:
        indexes = (Index(fields=["subject", "id"], name="event_of_subject"),)


class Seal(models.Model):
    """One link of a clinic's chain: which row, its hash, and the hash of all before it."""

    clinic_id = models.BigIntegerField()
    number = models.BigIntegerField()
    table = models.CharField(max_length=20)  # consent, event
    row_id = models.BigIntegerField()
    row_sha256 = models.CharField(max_length=64)
    head = models.CharField(max_length=64)

    class Meta:
        constraints = (
            UniqueConstraint(fields=["clinic_id", "number"], name="seal_number_once"),
            UniqueConstraint(fields=["table", "row_id"], name="seal_row_once"),
        )
