"""A planned message, and the small table of what is due within the hour."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from worker.models.appointment import Appointment
from worker.models.client import Client, Contact
from worker.models.clinic import Clinic
from worker.models.kinds import CHANNELS, CLASSES, PURPOSES, one_of
from worker.models.link import Link
from worker.models.protocol import ProtocolVersion, Step
from worker.models.standing import Standing
from worker.models.treatment import Treatment
from worker.rules.names import Channel, MessageClass, Purpose
from worker.rules.states import State


class Message(models.Model):
    """One step for one client on one channel; `occasion` makes it planned once, whoever plans it again (P4)."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey(
        Client, on_delete=models.PROTECT, null=True, related_name="messages"
    )  # null: unknown number
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, null=True, related_name="+")
    standing = models.ForeignKey(Standing, on_delete=models.PROTECT, related_name="messages")
    address_sealed = models.BinaryField(null=True)  # only for an answer to a number that no client has
    channel = models.CharField(max_length=8, choices=CHANNELS)
    purpose = models.CharField(max_length=12, choices=PURPOSES)
    cls = models.CharField(max_length=8, choices=CLASSES)
    kind = models.CharField(max_length=24, blank=True)
    version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="+")
    treatment = models.ForeignKey(Treatment, on_delete=models.PROTECT, null=True, related_name="messages")
    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, null=True, related_name="messages")
    care = models.ForeignKey(Link, on_delete=models.PROTECT, null=True, related_name="+")
    generation = models.PositiveIntegerField(default=1)
    resend = models.PositiveSmallIntegerField(default=0)
    fallback_of = models.BigIntegerField(null=True)  # the message that could not be delivered on the other channel
    occasion = models.CharField(max_length=200, unique=True)
    language = models.CharField(max_length=10)
    zone = models.CharField(max_length=64)
    wall_time = models.CharField(
        max_length=20, blank=True
    )  # "2026-03-08T10:00" as meant; "" for elapsed time (rule 135)
    state = models.CharField(max_length=12, default=State.PLANNED)
    reason = models.CharField(max_length=60, blank=True)
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    provider_id = models.CharField(max_length=320, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = (
            one_of("channel", Channel, name="message_channel"),
            one_of("purpose", Purpose, name="message_purpose"),
            one_of("cls", MessageClass, name="message_class"),
            one_of("state", State, name="message_state"),
            CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="message_was_useful_once"),
        )
        indexes = (
            Index(fields=["due_at"], condition=Q(state="planned"), name="message_planned_due"),
            Index(fields=["expires_at"], condition=Q(state__in=["planned", "held"]), name="message_open_expiry"),
            Index(fields=["reason"], condition=Q(state="held"), name="message_held"),  # asked each second, and few
            Index(fields=["decided_at"], condition=Q(state="unknown"), name="message_unknown"),
            Index(fields=["sent_at"], condition=Q(state="accepted", channel="sms"), name="message_unconfirmed"),
            Index(
                fields=["decided_at"],
                condition=Q(state__in=["refused", "undelivered", "unresolved"]),
                name="message_failed",
            ),
            # How a day goes. Without the planned ones: PostgreSQL took it for "planned until tonight", and read all
            # that the clinic ever sent, 76 ms instead of 5 at 300,000.
            Index(fields=["clinic", "due_at"], condition=~Q(state="planned"), name="message_day"),
            Index(fields=["created_at"], condition=Q(address_sealed__isnull=False), name="message_address_kept"),
            Index(fields=["client", "state"], name="message_of_client"),
            Index(fields=["standing", "state"], name="message_of_address"),
        )


class Ready(models.Model):
    """What is due within the hour. A claim is a lease on this row; held and paused messages have none."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, primary_key=True, related_name="ready")
    clinic_id = models.BigIntegerField()
    channel = models.CharField(max_length=8, choices=CHANNELS)
    due_at = models.DateTimeField()
    free_at = models.DateTimeField()  # machine time: when the lease ends; the past when nobody holds it
    lease = models.PositiveIntegerField(default=0)  # the fence: grows with every claim
    worker = models.CharField(max_length=60, blank=True)
    # The web request that made it ready at once, for the log; "" for what time brought.
    request = models.CharField(max_length=16, blank=True, default="", db_default="")

    class Meta:
        constraints = (UniqueConstraint(fields=["message", "lease"], name="ready_fence"),)
        indexes = (
            Index(fields=["channel", "due_at"], name="ready_due"),
            Index(fields=["channel", "clinic_id", "due_at"], name="ready_fair"),
        )
