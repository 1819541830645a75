"""The consent ledger: what was shown, who agreed to what, when and how; append-only, also for the database owner."""

from __future__ import annotations

from django.db import models
from django.db.models import Index, Q, UniqueConstraint

from worker.models.clinic import Clinic
from worker.models.kinds import CHANNELS, PURPOSES, choices, one_of
from worker.rules.consent import Act
from worker.rules.names import Channel, Purpose

__all__ = ["Act", "ConsentEvent", "Evidence", "Wording"]


class Wording(models.Model):
    """The exact words a person was shown; a changed wording is a new version (rule 2)."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, null=True, related_name="wordings")  # null = shipped
    code = models.CharField(max_length=60)
    version = models.PositiveIntegerField()
    language = models.CharField(max_length=10)
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            UniqueConstraint(fields=["clinic", "code", "version", "language"], name="wording_version"),
            # NULL is never equal to NULL: the shipped ones need their own rule, on SQLite as on PostgreSQL
            UniqueConstraint(
                fields=["code", "version", "language"], condition=Q(clinic__isnull=True), name="wording_shipped"
            ),
        )


class ConsentEvent(models.Model):
    """One act about one channel and purpose. No foreign key to a person: erasure must not break the chain."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    client_id = models.BigIntegerField(null=True)  # null: a STOP from a number nobody knows (rule 34)
    standing_id = models.BigIntegerField()
    channel = models.CharField(max_length=8, choices=CHANNELS)
    purpose = models.CharField(max_length=12, choices=PURPOSES)
    act = models.CharField(max_length=12, choices=choices(Act))
    wording = models.ForeignKey(Wording, on_delete=models.PROTECT, null=True, related_name="+")
    wording_sha256 = models.CharField(max_length=64, blank=True)
    language = models.CharField(max_length=10, blank=True)
    method = models.CharField(max_length=40)  # paper, web, verbal, kiosk, keyword, link, desk, ...
    source = models.CharField(max_length=120, blank=True)  # form id, inbound message id: opaque
    happened_at = models.DateTimeField()
    zone = models.CharField(max_length=64)
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=60)  # staff:12, client, provider
    commitment = models.CharField(max_length=64, blank=True)  # of Evidence: stays when the evidence is erased

    class Meta:
        constraints = (
            one_of("channel", Channel, name="consent_channel"),
            one_of("purpose", Purpose, name="consent_purpose"),
            one_of("act", Act, name="consent_act"),
        )
        indexes = (Index(fields=["clinic", "client_id", "id"], name="consent_of_client"),)


class Evidence(models.Model):
    """The personal side of a consent event (address as given, IP, quoted reply, signature): may be erased."""

    event = models.OneToOneField(ConsentEvent, on_delete=models.PROTECT, related_name="evidence")
    salt = models.BinaryField(max_length=16, null=True)
    sealed = models.BinaryField(null=True)
