"""Every sealed column of the database, and the context that is bound into its values (rule 61)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db.models import BinaryField
from django.db.models.functions import Substr

from worker.models.attempt import Attempt, Receipt
from worker.models.client import Client, Contact
from worker.models.clinic import Sender
from worker.models.consent import Evidence
from worker.models.conversation import CheckinAnswer, StaffContact, StaffWords
from worker.models.import_batch import ImportBatch, ImportRow
from worker.models.inbound import Inbound
from worker.models.message import Message

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet

KEY_ID = 4  # bytes at the head of every sealed value


class Column(NamedTuple):
    """One sealed column, and the context that is bound into its values."""

    model: type[Model]
    name: str
    context: str

    def __str__(self) -> str:
        return f"{self.model._meta.model_name}.{self.name}"  # noqa: SLF001 - Django documents _meta as public

    @property
    def table(self) -> str:
        """The table's name in the database."""
        return self.model._meta.db_table  # noqa: SLF001

    def filled(self) -> QuerySet[Model]:
        """The rows that hold a value, each with the `head` of it: the id of the key that sealed it."""
        rows: QuerySet[Model] = self.model._default_manager.filter(**{f"{self.name}__isnull": False})  # noqa: SLF001
        headed: QuerySet[Model] = rows.annotate(head=Substr(self.name, 1, KEY_ID, output_field=BinaryField()))
        return headed


SEALED = (
    Column(Client, "name_sealed", "client.name"),
    Column(Contact, "address_sealed", "contact.address"),
    Column(Contact, "raw_sealed", "contact.raw"),
    Column(Contact, "holder_sealed", "contact.holder"),
    Column(Sender, "credentials_sealed", "sender.credentials"),
    Column(Message, "address_sealed", "contact.address"),
    Column(Attempt, "body_sealed", "attempt.body"),
    Column(Receipt, "raw_sealed", "receipt.raw"),
    Column(Inbound, "body_sealed", "inbound.body"),
    Column(Inbound, "follow_up_sealed", "inbound.follow_up"),
    Column(Evidence, "sealed", "consent.evidence"),
    Column(StaffWords, "words_sealed", "staff.words"),
    Column(StaffContact, "address_sealed", "contact.address"),
    Column(ImportBatch, "heads_sealed", "import.heads"),
    Column(ImportRow, "cells_sealed", "import.row"),
    Column(CheckinAnswer, "answers_sealed", "checkin.answers"),
)
