"""How far a list at a provider has been read, so that what was said while we were away is found (rule 33)."""

from __future__ import annotations

from django.db import models


class Watermark(models.Model):
    """One list; the next reading begins a little before `read_to`. It only moves when a reading was complete."""

    name = models.CharField(max_length=120, unique=True)  # inbound:AC...:sender:12, redact:out
    read_to = models.DateTimeField()  # calendar
    failures = models.PositiveIntegerField(default=0)  # readings in a row that failed
    code = models.CharField(max_length=40, blank=True)  # of the last failure
    tried_at = models.DateTimeField(null=True)
