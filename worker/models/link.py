"""The care page a client holds in her hand; the token in the URL is signed, see `worker.tokens`."""

from __future__ import annotations

from django.db import models

from worker.models.client import Client
from worker.models.clinic import Clinic
from worker.models.protocol import ProtocolVersion


class Link(models.Model):
    """One capability: whose plan, in which approved version. `key` is random: links can't be counted or guessed."""

    key = models.BigIntegerField(unique=True)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="links")
    version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
