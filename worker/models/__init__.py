"""One noun per file; only `worker.actions` writes."""

from __future__ import annotations

from worker.models.appointment import Appointment
from worker.models.attempt import Attempt, Receipt
from worker.models.client import Client, ClientSearch, Contact
from worker.models.clinic import Clinic, Sender
from worker.models.consent import ConsentEvent, Evidence, Wording
from worker.models.conversation import CheckinAnswer, Conversation, StaffContact, StaffWords
from worker.models.doubt import Doubt
from worker.models.event import Event, Seal
from worker.models.feed import ApiKey, Feed
from worker.models.hold import Hold, Pause
from worker.models.import_batch import ImportBatch, ImportRow
from worker.models.inbound import Inbound
from worker.models.incarnation import Incarnation
from worker.models.lineage import Lineage
from worker.models.link import Link
from worker.models.mailbox import Mailbox
from worker.models.message import Message, Ready
from worker.models.protocol import Approval, Protocol, ProtocolVersion, Step
from worker.models.provider_copy import ProviderCopy
from worker.models.pulse import Hour, Pulse
from worker.models.staff import Staff, StaffRole
from worker.models.standing import Grant, Standing
from worker.models.suppression import Suppression
from worker.models.task import StaffTask
from worker.models.treatment import Treatment
from worker.models.watermark import Watermark
from worker.models.zone_rules import ZoneRules

__all__ = [
    "ApiKey", "Appointment", "Approval", "Attempt", "CheckinAnswer", "Client", "ClientSearch", "Clinic",
    "ConsentEvent", "Contact", "Conversation", "Doubt", "Event", "Evidence", "Feed", "Grant", "Hold", "Hour",
    "ImportBatch", "ImportRow", "Inbound", "Incarnation", "Lineage", "Link", "Mailbox", "Message", "Pause",
    "Protocol", "ProtocolVersion", "ProviderCopy", "Pulse", "Ready", "Receipt", "Seal", "Sender", "Staff",
    "StaffContact", "StaffRole", "StaffTask", "StaffWords", "Standing", "Step", "Suppression", "Treatment",
    "Watermark", "Wording", "ZoneRules",
]  # fmt: skip
