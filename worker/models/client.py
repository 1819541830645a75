"""A client, the addresses she gave, and the keyed hashes by which the desk finds her again."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import Index, Q, UniqueConstraint

from worker.models.clinic import Clinic
from worker.models.kinds import CHANNELS, choices, one_of
from worker.rules.names import Channel


class HealthBasis(StrEnum):
    """Why the clinic may keep health data (GDPR Art. 9; rule 4); `none` only where the law asks for no basis."""

    NONE = "none"
    EXPLICIT_CONSENT = "explicit_consent"
    CARE = "care"


class Client(models.Model):
    """One person of one clinic; her name is sealed and search goes by keyed hashes."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="clients")
    external_id = models.CharField(max_length=120)
    name_sealed = models.BinaryField(null=True)
    language = models.CharField(max_length=10)
    zone = models.CharField(max_length=64)  # her days and hours are told on it; the clinic's where hers is not known
    zone_is_known = models.BooleanField(default=True, db_default=True)
    other_clocks = models.TextField(default="", db_default="")  # zones, spaced, on which the hours hold too (rule 47)
    health_basis = models.CharField(max_length=20, choices=choices(HealthBasis), default=HealthBasis.NONE)
    is_minor = models.BooleanField(default=False)  # then only a holder's consent counts (rule 15)
    intake_hash = models.CharField(max_length=64)  # what was enrolled: tells a repeat from a contradiction
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            UniqueConstraint(fields=["clinic", "external_id"], name="client_enrolled_once"),
            one_of("health_basis", HealthBasis, name="client_health_basis"),
        )
        indexes = (Index(fields=["erased_at", "id"], condition=Q(erased_at__isnull=False), name="client_erased"),)

    @property
    def clocks(self) -> tuple[str, ...]:
        """The zones on whose clocks the hours are read, her own (or the clinic's) first."""
        return self.zone, *self.other_clocks.split()


class SearchKind(StrEnum):
    """What a keyed hash was made of: a name-token prefix of 3 letters or more, a phone, its end, an email."""

    NAME = "name"
    PHONE = "phone"
    LAST4 = "last4"
    EMAIL = "email"


class ClientSearch(models.Model):
    """One keyed hash that leads to a client; useless to anyone without FINGERPRINT_KEYS."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="search")
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=choices(SearchKind))
    key_id = models.CharField(max_length=8)
    digest = models.BinaryField(max_length=32)

    class Meta:
        indexes = (Index(fields=["clinic", "kind", "digest"], name="client_search"),)


class Contact(models.Model):
    """An address from one day to another, whose it is, and how that person is related to the client (rule 15)."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="contacts")
    channel = models.CharField(max_length=8, choices=CHANNELS)
    standing = models.ForeignKey("Standing", on_delete=models.PROTECT, related_name="contacts")
    address_sealed = models.BinaryField(null=True)
    raw_sealed = models.BinaryField(null=True)  # as it was written down, for the dossier (rule 129)
    relationship = models.CharField(max_length=40, default="client")
    link_key = models.BigIntegerField(
        unique=True
    )  # random: what an unsubscribe token names; outlives keys and restores
    holder_sealed = models.BinaryField(null=True)  # the holder's name, when it is not the client's own address
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                fields=["client", "channel"], condition=Q(valid_to__isnull=True), name="contact_one_current"
            ),
            one_of("channel", Channel, name="contact_channel"),
        )
