"""What a client and the clinic say to each other, until a person closes it; and who of the staff is called."""

from __future__ import annotations

from django.db import models
from django.db.models import Index, Q, UniqueConstraint

from worker.models.client import Client
from worker.models.clinic import Clinic
from worker.models.kinds import CHANNELS, both_or_neither
from worker.models.link import Link
from worker.models.message import Message
from worker.models.protocol import Step
from worker.models.staff import Staff
from worker.models.standing import Standing


class Conversation(models.Model):
    """One conversation with a client, or with an address that no client has; at most one of each is open.

    While it `holds`, automated course texts to her wait (the gate reads it). `answer_by` is the response clock of a
    red flag: set when one came in, kept when it was answered, so that anyone can see whether it was in time.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="conversations")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, null=True, related_name="conversations")
    standing = models.ForeignKey(
        Standing, on_delete=models.PROTECT, null=True, related_name="conversations"
    )  # where she wrote; null: on her care page, and no address is hers
    opened_at = models.DateTimeField()
    heard_at = models.DateTimeField()  # when she last wrote
    holds = models.BooleanField(default=False)
    taken_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+")  # who leads it
    red_at = models.DateTimeField(null=True)
    answer_by = models.DateTimeField(null=True)
    remind_at = models.DateTimeField(null=True)  # when staff on call are told again
    reminded = models.PositiveSmallIntegerField(default=0)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=60, null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=60, null=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                fields=["client"],
                condition=Q(closed_at__isnull=True, client__isnull=False),
                name="conversation_one_open",
            ),
            UniqueConstraint(
                fields=["standing"],
                condition=Q(closed_at__isnull=True, client__isnull=True),
                name="conversation_one_open_there",
            ),
            both_or_neither("red_at", "answer_by", name="conversation_red"),
            both_or_neither("answered_at", "answered_by", name="conversation_answered"),
            both_or_neither("closed_at", "closed_by", name="conversation_closed"),
        )
        indexes = (
            Index(fields=["standing"], condition=Q(closed_at__isnull=True), name="conversation_there"),
            Index(fields=["clinic", "heard_at"], condition=Q(closed_at__isnull=True), name="conversation_open"),
        )


class StaffWords(models.Model):
    """What a person wrote in a thread: the only words of a message that no practitioner approved, so they are signed.

    The frame around them (who writes, whom to call, how to stop) is an approved text like any other.
    """

    message = models.OneToOneField(Message, on_delete=models.PROTECT, related_name="staff_words")
    conversation = models.ForeignKey(Conversation, on_delete=models.PROTECT, related_name="replies")
    words_sealed = models.BinaryField(null=True)
    by = models.CharField(max_length=60)  # staff:12
    written_at = models.DateTimeField()

    class Meta:
        indexes = (Index(fields=["written_at"], condition=Q(words_sealed__isnull=False), name="staff_words_kept"),)


class StaffContact(models.Model):
    """Where a person on call agreed to be told that somebody needs her; a STOP from there ends it like any other."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="contacts")
    channel = models.CharField(max_length=8, choices=CHANNELS)
    standing = models.ForeignKey(Standing, on_delete=models.PROTECT, related_name="staff_contacts")
    address_sealed = models.BinaryField(null=True)
    agreed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=60, null=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                fields=["staff", "channel"], condition=Q(ended_at__isnull=True), name="staff_contact_one_current"
            ),
            both_or_neither("ended_at", "ended_by", name="staff_contact_ended"),
        )
        indexes = (Index(fields=["standing"], condition=Q(ended_at__isnull=True), name="staff_contact_there"),)


class CheckinAnswer(models.Model):
    """What a client tapped on her care page after one step; she may answer again when something changes."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="checkins")
    link = models.ForeignKey(Link, on_delete=models.PROTECT, related_name="+")
    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="+")
    answers_sealed = models.BinaryField(null=True)  # health data: sealed, never logged (rule 42)
    red = models.BooleanField()
    answered_at = models.DateTimeField()

    class Meta:
        indexes = (
            Index(fields=["client", "answered_at"], name="checkin_of_client"),
            Index(fields=["answered_at"], condition=Q(answers_sealed__isnull=False), name="checkin_kept"),
        )
