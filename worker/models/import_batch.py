"""A file of clients that somebody brings from another system: staged sealed, looked at, confirmed, then taken."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import Index, Q, UniqueConstraint

from worker.models.client import Client
from worker.models.clinic import Clinic
from worker.models.kinds import choices, one_of
from worker.models.staff import Staff


class ImportState(StrEnum):
    """Where a file stands; nothing of it takes effect before `confirmed`."""

    STAGED = "staged"
    LOOKING = "looking"
    READY = "ready"
    CONFIRMED = "confirmed"
    DONE = "done"
    DROPPED = "dropped"


class Fate(StrEnum):
    """What becomes of a row: waits, would be enrolled (quiet: gets nothing), is known already, refused, enrolled."""

    WAITING = "waiting"
    GOOD = "good"
    QUIET = "quiet"
    KNOWN = "known"
    REFUSED = "refused"
    ENROLLED = "enrolled"


class ImportBatch(models.Model):
    """One file, who brought it, how its columns are read, and how far the work is."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="imports")
    by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=choices(ImportState), default=ImportState.STAGED)
    heads_sealed = models.BinaryField(null=True)  # a file without heads has a client in its first line
    mapping = models.JSONField(default=dict)  # our column -> number of the file's column
    defaults = models.JSONField(default=dict)
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)  # rows of the present state's work
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    busy_until = models.DateTimeField()  # machine time: a lease, the past when nobody works on it

    class Meta:
        constraints = (one_of("state", ImportState, name="import_state"),)
        indexes = (
            Index(fields=["busy_until"], condition=Q(state__in=["looking", "confirmed"]), name="import_at_work"),
            Index(fields=["clinic", "created_at"], name="import_of_clinic"),
        )


class ImportRow(models.Model):
    """One line of a file. Its cells are sealed and go within a day; what it was refused for names no person."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.PROTECT, related_name="rows")
    number = models.PositiveIntegerField()  # the line of the file that it begins in, as an editor shows it
    cells_sealed = models.BinaryField(null=True)
    key = models.BinaryField(max_length=32, null=True)  # keyed hash of the external id: the same twice in one file
    digest = models.BinaryField(max_length=32, null=True)  # keyed hash of all it says: the same row again is no change
    fate = models.CharField(max_length=10, choices=choices(Fate), default=Fate.WAITING)
    reason = models.CharField(max_length=200, blank=True)  # the first fault, "phone: may not be written to ..."
    faults = models.JSONField(default=list)  # [[field, problem, mend], ...]
    client = models.ForeignKey(Client, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = (
            UniqueConstraint(fields=["batch", "number"], name="import_row_once"),
            one_of("fate", Fate, name="import_fate"),
        )
        indexes = (
            Index(fields=["batch", "fate", "number"], name="import_row_fate"),
            Index(fields=["batch", "key"], name="import_row_key"),
            Index(fields=["digest"], condition=Q(fate="enrolled"), name="import_row_known"),
        )
