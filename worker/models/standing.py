"""What may be sent to an address now: the row that every decision and every revocation locks."""

from __future__ import annotations

from django.db import models
from django.db.models import Index, Q, UniqueConstraint

from worker.models.client import Client
from worker.models.clinic import Clinic
from worker.models.kinds import CHANNELS, PURPOSES, both_or_neither, choices, one_of
from worker.rules.consent import GrantState
from worker.rules.names import Channel, Purpose

__all__ = ["Grant", "GrantState", "Standing"]


class Standing(models.Model):
    """One row per clinic, channel and address fingerprint; rebuilt from the ledger and checked by `verify`.

    A decision locks it first and reads it second; a revocation, hold or suppression updates, or creates, it.
    That lock is what makes P2 true.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=8, choices=CHANNELS)
    fingerprint = models.BinaryField(max_length=32)
    key_id = models.CharField(max_length=8)
    suppressed_at = models.DateTimeField(null=True)  # no course message of any purpose, whoever the client is
    suppressed_why = models.CharField(max_length=40, null=True)
    held_at = models.DateTimeField(null=True)  # in doubt, nothing is sent, until a person has looked
    held_why = models.CharField(max_length=40, null=True)
    changed_at = models.DateTimeField()
    # The text (Inbound) that stopped it, until what follows from that is done: no decision waits for it.
    open_stop = models.BigIntegerField(null=True)

    class Meta:
        constraints = (
            UniqueConstraint(fields=["clinic", "channel", "fingerprint"], name="standing_one_per_address"),
            one_of("channel", Channel, name="standing_channel"),
            both_or_neither("suppressed_at", "suppressed_why", name="standing_suppressed_why"),
            both_or_neither("held_at", "held_why", name="standing_held_why"),
        )
        indexes = (Index(fields=["id"], condition=Q(open_stop__isnull=False), name="standing_open_stop"),)


class Grant(models.Model):
    """What one client agreed to for one purpose at that address; absent means no (default deny)."""

    standing = models.ForeignKey(Standing, on_delete=models.PROTECT, related_name="grants")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="grants")
    purpose = models.CharField(max_length=12, choices=PURPOSES)
    state = models.CharField(max_length=24, choices=choices(GrantState))
    confirmed_at = models.DateTimeField(null=True)  # the opt-in confirmation reached the provider (rule 6)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = (
            UniqueConstraint(fields=["standing", "client", "purpose"], name="grant_once"),
            one_of("purpose", Purpose, name="grant_purpose"),
            one_of("state", GrantState, name="grant_state"),
        )
        indexes = (Index(fields=["changed_at"], condition=Q(state=GrantState.PENDING), name="grant_pending"),)
