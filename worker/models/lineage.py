"""Which life of the database this is: a count that goes up by the minute, and that a file outside keeps too."""

from __future__ import annotations

from django.db import models


class Lineage(models.Model):
    """One row. A file that has come farther than the row proves that the database was put back from a backup."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    count = models.BigIntegerField(default=0)
    counted_at = models.DateTimeField()  # machine
    restored_at = models.DateTimeField(null=True)  # machine: found to be restored, and not released yet
    lost_since = models.DateTimeField(null=True)  # machine: nothing after this moment is known here
    checked_at = models.DateTimeField(null=True)  # machine: all that the world knows of the lost time was read
