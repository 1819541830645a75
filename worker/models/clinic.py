"""A clinic and the senders (numbers, addresses) it writes from."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import UniqueConstraint

from worker import sealed
from worker.models.kinds import CHANNELS, one_of
from worker.rules.names import Channel


class Clinic(models.Model):
    """Who writes: its zone, its hours, how to reach it. Everything else belongs to exactly one clinic."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=30)  # stands in every SMS: 30 characters keep two segments (rule 105)
    zone = models.CharField(max_length=64)
    country = models.CharField(max_length=2)
    state = models.CharField(max_length=3, blank=True)
    language = models.CharField(max_length=10, default="en")
    phone = models.CharField(max_length=20)
    postal_address = models.CharField(max_length=200)
    mail_domain = models.CharField(max_length=253)
    reply_to = models.CharField(max_length=254)  # a watched mailbox (rule 124)
    hours = models.JSONField(
        default=dict
    )  # {"sms": {"mon-sat": ["09:00-20:00"]}}; a channel left out has the usual hours (rule 46)
    allowed_countries = models.JSONField(default=list)  # where texts may go (rule 75)
    says_treatment = models.BooleanField(
        default=False
    )  # P9: treatment words outside email bodies only if the clinic chose so
    double_opt_in = models.JSONField(default=list)  # channels on which consent waits for the client's own yes (rule 7)
    optin_hours = models.PositiveSmallIntegerField(default=48)  # how long it waits
    stale_after_months = models.PositiveSmallIntegerField(default=18)  # without any contact (rule 9)
    feed_alarm_hours = models.PositiveSmallIntegerField(default=24)  # a calendar silent for so long: staff look
    feed_hold_hours = models.PositiveSmallIntegerField(default=72)  # and after so long nothing names its visits
    red_flag_minutes = models.PositiveSmallIntegerField(default=30, db_default=30)  # a warning sign's clock
    revision = models.PositiveIntegerField(default=1)  # workers reload what they cached when it grows
    created_at = models.DateTimeField()


class Sender(models.Model):
    """A number, messaging service or mail address; never shared between clinics, or STOP would leak (rule 26)."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="senders")
    channel = models.CharField(max_length=8, choices=CHANNELS)
    identity = models.CharField(max_length=254)  # +1..., MG..., or an addr-spec
    account_sid = models.CharField(max_length=34, blank=True)  # "" = the installation's account
    credentials_sealed = models.BinaryField(null=True)  # the account's own auth tokens, newest first
    provider_handles_optout = models.BooleanField(default=False)  # then the confirmation is theirs (rule 23)
    is_active = models.BooleanField(default=True)
    per_second = models.FloatField(null=True)  # parts of SMS, or mails, that its carrier takes; null: the usual rate

    class Meta:
        constraints = (
            UniqueConstraint(fields=["channel", "identity"], name="sender_belongs_to_one_clinic"),
            one_of("channel", Channel, name="sender_channel"),
        )

    def account(self) -> tuple[str, str]:
        """The provider account that it belongs to, and its newest auth token. Raises sealed.Unreadable."""
        own = sealed.unseal_json(self.credentials_sealed, "sender.credentials") if self.credentials_sealed else []
        return self.account_sid or settings.TWILIO_ACCOUNT_SID, own[0] if own else settings.TWILIO_AUTH_TOKEN
