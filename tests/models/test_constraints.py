"""What the database itself refuses, whoever asks it: on SQLite and on PostgreSQL alike (P1-P4)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from tests import builders
from tests.actions import post
from tests.builders import NOW
from tests.kept import again
from worker.actions.consent.hold import hold_standing, pause
from worker.actions.privacy.copies import ask_for
from worker.actions.receive.receipt import receipt
from worker.models import (
    Appointment,
    Approval,
    Attempt,
    Client,
    ConsentEvent,
    Event,
    Grant,
    Hold,
    Inbound,
    Message,
    Pause,
    ProtocolVersion,
    ProviderCopy,
    Ready,
    Receipt,
    Seal,
    Sender,
    Staff,
    StaffTask,
    Standing,
    Suppression,
    Treatment,
    Watermark,
    Wording,
)  # fmt: skip
from worker.models.append_only import TABLES
from worker.models.attempt import MAY_HAVE_LEFT, AttemptState
from worker.models.hold import PauseScope
from worker.models.provider_copy import CopyAct

DUE = NOW + timedelta(hours=1)


@pytest.fixture
def lived_in(house):
    """At least one row in every table that has a constraint."""
    return again("lived in", lambda: _live_in(house))


def _live_in(house):
    alice = builders.alice(visit=NOW + timedelta(days=10)).client
    post.confirmed(NOW)
    post.round_of_post(DUE)
    attempt = Attempt.objects.get(message__step__code="same-day")
    receipt(attempt_id=attempt.pk, provider_id="SM1", status="sent", code="", raw={}, now=DUE)
    hold_standing(builders.standing_of(alice, "email"), why="tests", source="tests", now=DUE)
    pause(scope=PauseScope.ALL, value="", why="tests", by="tests", now=DUE)
    builders.text_from(house.lakeside, builders.ALICES_PHONE, "CANCEL", now=DUE)
    ask_for(CopyAct.DELETE, [("AC1", "SM1")], clinic_id=house.lakeside.pk, client_id=alice.pk, now=DUE)
    Watermark.objects.create(name="inbound:1", read_to=DUE)
    return alice


def _refused(act):
    with pytest.raises(DatabaseError), transaction.atomic():
        act()


def test_the_migrations_say_what_the_models_say(db):
    """No drift: a change of a model without its migration fails here."""
    out = StringIO()
    call_command("makemigrations", "--check", "--dry-run", stdout=out, verbosity=1)
    assert "No changes detected" in out.getvalue()


CHANGES = {
    "aftercare_consentevent": ("act", "restored"),
    "aftercare_event": ("code", "forged"),
    "aftercare_seal": ("head", "0" * 64),
    "aftercare_wording": ("text", "You agree to everything."),
    "aftercare_receipt": ("status", "delivered"),
    "aftercare_protocolversion": ("document", "{}"),
    "aftercare_step": ("purpose", "marketing"),
    "aftercare_approval": ("licence", "NY-000000"),
}


@pytest.mark.parametrize("table", TABLES)
def test_the_append_only_tables_refuse_change_and_removal(lived_in, table):
    """Rules 2, 10, 142: through the ORM, through plain SQL, one row or all of them."""
    model = next(model for model in apps.get_app_config("aftercare").get_models() if model._meta.db_table == table)
    column, value = CHANGES[table]
    before = list(model.objects.order_by("pk").values())
    assert before
    _refused(lambda: model.objects.update(**{column: value}))
    _refused(lambda: model.objects.filter(pk=before[0]["id"])._raw_delete(using="default"))
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {column} = {column}"):

        def plainly(statement=statement):
            with connection.cursor() as cursor:
                cursor.execute(statement)

        _refused(plainly)
    assert list(model.objects.order_by("pk").values()) == before


def test_every_table_that_must_not_change_is_guarded():
    """Who adds such a table adds its case here."""
    assert set(CHANGES) == set(TABLES)


def test_a_whole_table_cannot_be_emptied_or_overwritten(lived_in):
    """Rules 2, 142: neither TRUNCATE nor INSERT OR REPLACE is a way around the triggers."""
    event = Event.objects.order_by("pk").first()
    statement = "TRUNCATE aftercare_event"
    if connection.vendor == "sqlite":
        columns = ", ".join(field.column for field in Event._meta.concrete_fields)
        statement = f"INSERT OR REPLACE INTO aftercare_event ({columns}) SELECT {columns} FROM aftercare_event"

    def plainly():
        with connection.cursor() as cursor:
            cursor.execute(statement)

    _refused(plainly)
    assert Event.objects.get(pk=event.pk).code == event.code


def test_the_raw_side_of_a_receipt_may_be_emptied(lived_in):
    """Rule 66: retention takes away the provider's words, never what they said."""
    assert Receipt.objects.update(raw_sealed=None) == 1


def _copy(row, **changes):
    """Insert the same row again under a new key."""
    row.pk = uuid.uuid4() if isinstance(row.pk, uuid.UUID) else None
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(force_insert=True)


TWICE = {
    "a step for the same occasion (P4)": lambda: _copy(Message.objects.first()),
    "a clinic's client": lambda: _copy(Client.objects.first()),
    "a client's treatment": lambda: _copy(Treatment.objects.first()),
    "a clinic's visit": lambda: _copy(Appointment.objects.first()),
    "an address of a clinic (P2)": lambda: _copy(Standing.objects.first()),
    "a consent to a purpose at an address (P1)": lambda: _copy(Grant.objects.first()),
    "a standing approval of a version (P3)": lambda: _copy(Approval.objects.first()),
    "a version's content": lambda: _copy(ProtocolVersion.objects.first(), number=99),
    "a version's number": lambda: _copy(ProtocolVersion.objects.first(), sha256="1" * 64),
    "a wording": lambda: _copy(Wording.objects.filter(clinic=None).first()),
    "a sender of two clinics (rule 26)": lambda: _copy(Sender.objects.first(), clinic=Sender.objects.last().clinic),
    "a staff address": lambda: _copy(Staff.objects.first()),
    "an inbound text (rule 97)": lambda: _copy(Inbound.objects.first()),
    "a receipt (rule 97)": lambda: _copy(Receipt.objects.first()),
    "a task for the same cause": lambda: _copy(StaffTask.objects.first()),
    "a copy to delete at the provider (rule 57)": lambda: _copy(ProviderCopy.objects.first()),
    "how far a list was read": lambda: _copy(Watermark.objects.first()),
    "a pause that still lasts": lambda: _copy(Pause.objects.first()),
    "a link of the chain": lambda: _copy(Seal.objects.first(), row_id=10**6),
    "a seal on one row": lambda: _copy(Seal.objects.first(), number=10**6),
}


@pytest.mark.parametrize("case", TWICE)
def test_what_exists_once_cannot_exist_twice(lived_in, case):
    """P1, P3, P4: the unique keys hold without any code of ours."""
    _refused(TWICE[case])


@pytest.mark.parametrize("second", AttemptState)
@pytest.mark.parametrize("first", AttemptState)
def test_a_message_rings_once(lived_in, first, second):
    """P4: of two attempts that may have left, the second is refused; after one that proved unsent another begins."""
    attempt = Attempt.objects.get(message__step__code="same-day")
    Attempt.objects.filter(pk=attempt.pk).update(state=first)
    if first in MAY_HAVE_LEFT and second in MAY_HAVE_LEFT:
        _refused(lambda: _copy(attempt, state=second))
    else:
        _copy(attempt, state=second)


HALVES = {
    "an approval withdrawn by nobody": lambda: Approval.objects.update(withdrawn_at=NOW),
    "a suppression without reason": lambda: Standing.objects.filter(channel="email").update(suppressed_at=NOW),
    "a reason without a suppression": lambda: Standing.objects.filter(channel="email").update(suppressed_why="x"),
    "a hold without reason": lambda: Standing.objects.filter(channel="sms").update(held_at=NOW),
    "a lifting by nobody": lambda: Suppression.objects.update(lifted_at=NOW),
    "a release by nobody": lambda: Hold.objects.update(released_at=NOW),
    "an end of a pause by nobody": lambda: Pause.objects.update(ended_at=NOW),
    "a task done by nobody": lambda: StaffTask.objects.update(done_at=NOW),
}


@pytest.mark.parametrize("case", HALVES)
def test_fields_that_say_one_thing_are_set_together(lived_in, case):
    """What happened has a moment and a person, or has not happened."""
    _refused(HALVES[case])


WORDS = {
    "message state": lambda: Message.objects.update(state="sent"),
    "message class": lambda: Message.objects.update(cls="exempt"),
    "message channel": lambda: Message.objects.update(channel="fax"),
    "message purpose": lambda: Message.objects.update(purpose="sales"),
    "attempt state": lambda: Attempt.objects.update(state="maybe"),
    "grant state": lambda: Grant.objects.update(state="implied"),
    "grant purpose": lambda: Grant.objects.update(purpose="everything"),
    "standing channel": lambda: Standing.objects.update(channel="fax"),
    "appointment status": lambda: Appointment.objects.update(status="maybe"),
    "suppression reason": lambda: Suppression.objects.update(reason="mood"),
    "copy state": lambda: ProviderCopy.objects.update(state="maybe"),
    "copy act": lambda: ProviderCopy.objects.update(act="burn"),
    "pause scope": lambda: Pause.objects.update(scope="galaxy"),
    "health basis": lambda: Client.objects.update(health_basis="assumed"),
    "a message that was never useful": lambda: Message.objects.update(expires_at=NOW - timedelta(days=9)),
}


@pytest.mark.parametrize("case", WORDS)
def test_a_word_the_field_does_not_know_is_refused(lived_in, case):
    """States, classes and reasons are closed lists for the database too."""
    _refused(WORDS[case])


def test_a_consent_of_an_unknown_act_is_refused(lived_in):
    """Rule 2: the ledger's own words."""
    _refused(lambda: _copy(ConsentEvent.objects.first(), act="implied"))


@pytest.mark.parametrize(
    "model", [Client, Standing, Message, ProtocolVersion, Attempt], ids=lambda model: model.__name__
)
def test_what_others_point_at_cannot_be_removed(lived_in, model):
    """Proof is never orphaned."""
    _refused(lambda: model.objects.all()._raw_delete(using="default") and connection.check_constraints())


def test_a_ready_row_is_one_lease(lived_in):
    """P4: one row for one message."""
    message = Message.objects.filter(state="planned", ready__isnull=True).first()
    Ready.objects.create(message=message, clinic_id=1, channel="sms", due_at=NOW, free_at=NOW)
    _refused(
        lambda: Ready.objects.create(message=message, clinic_id=1, channel="sms", due_at=NOW, free_at=NOW, lease=7)
    )


def test_events_need_no_foreign_key(lived_in):
    """Rule 62: erasing a person breaks no chain, because the record points with plain ids."""
    for model in (Event, Seal):
        assert not [field.name for field in model._meta.concrete_fields if field.is_relation]
    people = [field for field in ConsentEvent._meta.concrete_fields if field.is_relation]
    assert {field.name for field in people} == {"clinic", "wording"}
