"""A protocol, its immutable versions, and the practitioner's approval of one exact hash (P3)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q, UniqueConstraint

from worker.models.clinic import Clinic
from worker.models.kinds import CLASSES, PURPOSES, both_or_neither, one_of
from worker.models.staff import Staff
from worker.rules.names import MessageClass, Purpose


class Protocol(models.Model):
    """What a clinic calls one course of aftercare; it can be paused as a whole."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="protocols")
    code = models.SlugField(max_length=80)
    title = models.JSONField(default=dict)  # language -> title, for staff and pages

    class Meta:
        constraints = (UniqueConstraint(fields=["clinic", "code"], name="protocol_code_once"),)


class ProtocolVersion(models.Model):
    """All texts, timing, languages and links as one canonical document; a change is a new version.

    What is sent is rendered from `document`, and only after its hash was compared with the approved one: there is
    no second copy of a text that could drift.
    """

    protocol = models.ForeignKey(Protocol, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.TextField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=60)

    class Meta:
        constraints = (
            UniqueConstraint(fields=["protocol", "number"], name="version_number_once"),
            UniqueConstraint(fields=["protocol", "sha256"], name="version_content_once"),
        )


class Step(models.Model):
    """One step of a version: what messages point at, and what the desk lists; its texts are in the document."""

    version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="steps")
    code = models.SlugField(max_length=60)
    ordinal = models.PositiveSmallIntegerField()
    cls = models.CharField(max_length=8, choices=CLASSES)
    kind = models.CharField(max_length=24, blank=True)  # for answers: which of the fixed list
    purpose = models.CharField(max_length=12, choices=PURPOSES)
    anchor = models.CharField(max_length=12)

    class Meta:
        constraints = (
            UniqueConstraint(fields=["version", "code"], name="step_code_once"),
            one_of("cls", MessageClass, name="step_class"),
            one_of("purpose", Purpose, name="step_purpose"),
        )


class Approval(models.Model):
    """One practitioner's yes to one hash, until withdrawn or past its review-by date."""

    version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="approvals")
    sha256 = models.CharField(max_length=64)
    by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    licence = models.CharField(max_length=60)
    approved_at = models.DateTimeField()
    review_by = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = (
            UniqueConstraint(fields=["version"], condition=Q(withdrawn_at__isnull=True), name="approval_one_standing"),
            both_or_neither("withdrawn_at", "withdrawn_by", name="approval_withdrawn"),
        )
