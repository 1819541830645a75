"""What needs a person."""

from __future__ import annotations

from django.db import models
from django.db.models import Index, Q, UniqueConstraint

from worker.models.client import Client
from worker.models.clinic import Clinic
from worker.models.kinds import both_or_neither


class StaffTask(models.Model):
    """One thing for the desk or the practitioner, opened once per cause."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="tasks")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, null=True, related_name="tasks")
    kind = models.CharField(max_length=40)  # hand_over, unclear_reply, cancel_or_stop, bounced, unknown_outcome, ...
    cause = models.CharField(max_length=200)
    facts = models.JSONField(default=dict)  # ids and step codes, nothing personal
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.CharField(max_length=60, null=True)

    class Meta:
        constraints = (
            UniqueConstraint(fields=["clinic", "cause"], name="task_once_per_cause"),
            both_or_neither("done_at", "done_by", name="task_done"),
        )
        indexes = (Index(fields=["clinic", "opened_at"], condition=Q(done_at__isnull=True), name="task_open"),)
