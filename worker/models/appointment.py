"""The next session as the clinic's calendar knows it."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from worker.models.client import Client
from worker.models.clinic import Clinic
from worker.models.kinds import choices, one_of
from worker.models.protocol import ProtocolVersion


class AppointmentStatus(StrEnum):
    """Only a booked appointment is ever reminded of."""

    BOOKED = "booked"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    COMPLETED = "completed"


class Answer(StrEnum):
    """What the client said to a visit's reminder; the last one counts, and only for the time it named."""

    CONFIRMED = "confirmed"
    ANOTHER_TIME = "another_time"


class Appointment(models.Model):
    """One visit; a moved visit has the next generation, and nothing of the old one leaves any more (P7)."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="appointments")
    version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=40, default="desk")
    external_id = models.CharField(max_length=120)
    source_version = models.BigIntegerField(default=0)  # an older event never beats a newer one
    starts_at = models.DateTimeField()
    zone = models.CharField(max_length=64)
    status = models.CharField(max_length=12, choices=choices(AppointmentStatus))
    generation = models.PositiveIntegerField(default=1)  # of its time: what was planned for another one never leaves
    edition = models.PositiveIntegerField(default=0)  # grows with every change: a calendar's SEQUENCE (RFC 5545)
    told_sha256 = models.CharField(max_length=64, blank=True)  # what its source said last: a repeat changes nothing
    answer = models.CharField(max_length=12, choices=choices(Answer), blank=True)
    answered_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = (
            UniqueConstraint(fields=["clinic", "source", "external_id"], name="appointment_once"),
            one_of("status", AppointmentStatus, name="appointment_status"),
            CheckConstraint(condition=Q(answer__in=["", *Answer]), name="appointment_answer"),
        )
        indexes = (Index(fields=["client", "status", "starts_at"], name="appointment_of_client"),)
