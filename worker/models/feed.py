"""A calendar that tells us of visits by itself, and the keys that it may do so with (P10)."""

from __future__ import annotations

from django.db import models
from django.db.models import UniqueConstraint

from worker.models.clinic import Clinic
from worker.models.kinds import both_or_neither


class Feed(models.Model):
    """One source of a clinic's visits; while it is silent for too long, what it said is no longer taken for true."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="feeds")
    source = models.CharField(max_length=40)
    heard_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)  # with its last key: then nobody waits for it

    class Meta:
        constraints = (UniqueConstraint(fields=["clinic", "source"], name="feed_once"),)


class ApiKey(models.Model):
    """One key of one source; only its hash is stored, so that nobody can read it out of a backup."""

    feed = models.ForeignKey(Feed, on_delete=models.PROTECT, related_name="keys")
    name = models.CharField(max_length=60)
    sha256 = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=60)  # staff:12
    used_at = models.DateTimeField(null=True)  # to the minute
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=60, null=True)

    class Meta:
        constraints = (both_or_neither("revoked_at", "revoked_by", name="api_key_revoked"),)
