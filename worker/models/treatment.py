"""A treatment that was done: what the aftercare is counted from."""

from __future__ import annotations

from django.db import models
from django.db.models import Index, UniqueConstraint

from worker.models.client import Client
from worker.models.clinic import Clinic
from worker.models.protocol import ProtocolVersion


class Treatment(models.Model):
    """One session; when it is corrected, its generation grows and what the old one planned ends."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="treatments")
    version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    external_id = models.CharField(max_length=120)
    performed_at = models.DateTimeField()
    zone = models.CharField(max_length=64)  # where the client's clock stood
    practitioner = models.CharField(max_length=60, blank=True)  # staff:12
    generation = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True)  # entered for the wrong client, or never done

    class Meta:
        constraints = (UniqueConstraint(fields=["client", "external_id"], name="treatment_once"),)
        indexes = (Index(fields=["clinic", "performed_at"], name="treatment_of_day"),)
