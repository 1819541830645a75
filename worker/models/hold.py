"""Holds (one address, in doubt) and pauses (a clinic, a channel, a protocol, a sender)."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import Index, Q, UniqueConstraint

from worker.models.clinic import Clinic
from worker.models.kinds import both_or_neither, choices, one_of
from worker.models.standing import Standing
from worker.rules.names import CIRCUIT, SYSTEM

__all__ = ["CIRCUIT", "SYSTEM", "Hold", "Pause", "PauseScope"]


class Hold(models.Model):
    """Why nothing goes to an address until a person has looked."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    standing = models.ForeignKey(Standing, on_delete=models.PROTECT, related_name="holds")
    why = models.CharField(max_length=40)
    source = models.CharField(max_length=120, blank=True)
    since = models.DateTimeField()
    released_at = models.DateTimeField(null=True)
    released_by = models.CharField(max_length=60, null=True)

    class Meta:
        constraints = (both_or_neither("released_at", "released_by", name="hold_released"),)
        indexes = (
            Index(fields=["standing", "released_at"], name="hold_of_address"),
            Index(fields=["since"], condition=Q(released_at__isnull=True), name="hold_open"),
        )


class PauseScope(StrEnum):
    """What a pause stops; `all` is the kill switch (rule 144), `drain` lets workers finish and claim nothing new."""

    ALL = "all"
    CLINIC = "clinic"
    CHANNEL = "channel"
    PROTOCOL = "protocol"
    SENDER = "sender"
    DRAIN = "drain"


class Pause(models.Model):
    """A standing order to send nothing of that kind; who gave it and why is recorded."""

    scope = models.CharField(max_length=10, choices=choices(PauseScope))
    value = models.CharField(max_length=120, blank=True)  # clinic id, channel, protocol id, sender id
    why = models.CharField(max_length=200)
    by = models.CharField(max_length=60)
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=60, null=True)
    ended_why = models.CharField(max_length=200, null=True)  # "" where nobody said; what ends by itself says nothing
    probe = models.BigIntegerField(null=True)  # the one message that a circuit lets through
    probed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            UniqueConstraint(fields=["scope", "value"], condition=Q(ended_at__isnull=True), name="pause_once"),
            one_of("scope", PauseScope, name="pause_scope"),
            both_or_neither("ended_at", "ended_by", name="pause_ended"),
        )
