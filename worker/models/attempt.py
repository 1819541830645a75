"""An attempt, written before the provider is called, and the receipts that came back."""

from __future__ import annotations

import uuid
from enum import StrEnum

from django.db import models
from django.db.models import Index, Q, UniqueConstraint

from worker.models.clinic import Clinic
from worker.models.kinds import CHANNELS, CLASSES, choices, one_of
from worker.models.message import Message
from worker.models.standing import Standing


class AttemptState(StrEnum):
    """`sending` is committed before the first byte; only the proven-unsent states allow another attempt."""

    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_STARTED = "not_started"
    TRY_LATER = "try_later"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    UNRESOLVED = "unresolved"


MAY_HAVE_LEFT = (AttemptState.SENDING, AttemptState.ACCEPTED, AttemptState.UNKNOWN, AttemptState.UNRESOLVED)


class Attempt(models.Model):
    """One provider call. The unique constraint is P4 in the database: no second call while one may have left."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)  # opaque: travels in the callback URL (rule 79)
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="tries")
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    standing = models.ForeignKey(Standing, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=8, choices=CHANNELS)
    cls = models.CharField(max_length=8, choices=CLASSES)
    state = models.CharField(max_length=12, choices=choices(AttemptState), default=AttemptState.SENDING)
    worker = models.CharField(max_length=60)  # which incarnation wrote it
    decided_at = models.DateTimeField()  # calendar
    lease_until = models.DateTimeField()  # machine: past this, a `sending` attempt is `unknown`
    finished_at = models.DateTimeField(null=True)
    provider_id = models.CharField(max_length=320, blank=True)
    code = models.CharField(max_length=40, blank=True)
    segments = models.PositiveSmallIntegerField(default=0)
    body_sealed = models.BinaryField(null=True)  # as sent, for the timeline; emptied by retention
    body_sha256 = models.CharField(max_length=64)
    facts = models.JSONField(default=dict)  # what was decided on, then: versions and ids only (P8)

    class Meta:
        constraints = (
            UniqueConstraint(fields=["message"], condition=Q(state__in=MAY_HAVE_LEFT), name="attempt_rings_once"),
            one_of("state", AttemptState, name="attempt_state"),
        )
        indexes = (
            Index(fields=["standing", "decided_at"], name="attempt_of_address"),
            Index(fields=["lease_until"], condition=Q(state="sending"), name="attempt_in_flight"),
            Index(fields=["provider_id"], condition=~Q(provider_id=""), name="attempt_provider_id"),
            Index(fields=["decided_at"], condition=Q(body_sealed__isnull=False), name="attempt_kept"),
        )


class Receipt(models.Model):
    """One provider event, kept raw; the same event twice is one row (rule 97)."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="receipts")
    provider_id = models.CharField(max_length=320)
    status = models.CharField(max_length=24)
    code = models.CharField(max_length=40, blank=True)
    raw_sealed = models.BinaryField(null=True)
    received_at = models.DateTimeField()

    class Meta:
        constraints = (UniqueConstraint(fields=["attempt", "status", "code"], name="receipt_once"),)
        indexes = (Index(fields=["received_at"], condition=Q(raw_sealed__isnull=False), name="receipt_kept"),)
