"""Signs of life, and what each hour came to: what operators look at without counting the messages."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import UniqueConstraint

from worker.models.kinds import CHANNELS, choices, one_of
from worker.rules.names import Channel


class PulseKind(StrEnum):
    """Whose: a worker's process, a beat whose tick arrived, or the round that looks for what is due."""

    WORKER = "worker"
    BEAT = "beat"
    SWEEP = "sweep"


class Pulse(models.Model):
    """When a part was last seen. Written at most every few seconds, by whoever is at work anyway, or by a timer."""

    name = models.CharField(max_length=80, primary_key=True)
    kind = models.CharField(max_length=8, choices=choices(PulseKind))
    queues = models.CharField(max_length=60, blank=True)
    since = models.DateTimeField()  # machine
    seen_at = models.DateTimeField()  # machine
    worked_at = models.DateTimeField(null=True)  # machine: when a worker's process last did a round of work
    shift_seconds = models.FloatField(null=True)  # how long its last shift took

    class Meta:
        constraints = (one_of("kind", PulseKind, name="pulse_kind"),)


class Hour(models.Model):
    """What one channel did in one hour of the calendar, added up as each shift ends.

    Statistics, not the record: a worker that is killed takes the sums of its last shift along.
    """

    hour = models.DateTimeField()  # calendar, its full hour in UTC
    channel = models.CharField(max_length=8, choices=CHANNELS)
    called = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    accepted_at = models.DateTimeField(null=True)  # calendar: when a shift of this hour last had something taken
    refused = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    late_seconds = models.FloatField(default=0)  # of all calls together: divide by `called`
    latest_seconds = models.FloatField(default=0)

    class Meta:
        constraints = (
            UniqueConstraint(fields=["hour", "channel"], name="hour_once"),
            one_of("channel", Channel, name="hour_channel"),
        )
