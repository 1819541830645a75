"""What the clock of a zone was known to do when plans were last laid on it, so that a change is noticed (rule 135)."""

from __future__ import annotations

from django.db import models


class ZoneRules(models.Model):
    """One zone that somebody's plans stand on. An update of the zone data that changes it moves those plans."""

    zone = models.CharField(max_length=64, unique=True)
    version = models.CharField(max_length=40)  # IANA's, such as 2026f
    offsets = models.JSONField()  # [[Unix second, offset in seconds], ...]: from then on, the first one long past
    read_at = models.DateTimeField()
