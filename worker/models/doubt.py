"""What is being found out about an attempt whose outcome nobody knows (P4, rule 80)."""

from __future__ import annotations

from django.db import models
from django.db.models import Index

from worker.models.attempt import Attempt


class Doubt(models.Model):
    """One attempt in doubt, until it is settled; all moments are machine time."""

    attempt = models.OneToOneField(Attempt, on_delete=models.CASCADE, primary_key=True, related_name="doubt")
    since = models.DateTimeField()
    next_at = models.DateTimeField()  # when the provider is asked again
    over_at = models.DateTimeField(null=True)  # from then on it is proved that no byte of the call can leave any more
    empty_at = models.DateTimeField(null=True)  # when the first complete list that counts showed nothing
    failures = models.PositiveIntegerField(default=0)  # lists in a row that could not be read
    code = models.CharField(max_length=40, blank=True)  # of the last failure

    class Meta:
        indexes = (Index(fields=["next_at"], name="doubt_next"),)
