"""Whatever somebody with the database's own keys does to a sealed row, `verify` finds it and names it (P8, rule 142).

The triggers are gone, and heads were published twice: once in the middle of the story and once after it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker.actions.record.heads import publish_all
from worker.actions.send.tend import seal_decisions
from worker.models import Approval, ConsentEvent, Event, Evidence, ProtocolVersion, Seal, Wording
from worker.models.chain import START, next_head, row_hash, table_of
from worker.reading.chain import faults
from worker.reading.heads import published

if TYPE_CHECKING:
    from collections.abc import Callable

DUE = NOW + timedelta(hours=1)
MIDDLE, LATER, END = DUE + timedelta(hours=2), DUE + timedelta(hours=3), DUE + timedelta(hours=6)
TABLES = {"consent": ConsentEvent, "event": Event, "seal": Seal}
ANOTHER = {"channel": {"sms": "email", "email": "sms"}, "purpose": {"aftercare": "reminders", "reminders": "aftercare"}}
ACTS = {"given": "restored", "revoked": "given", "restored": "given", "closed": "given", "confirmed": "given"}
property_of = how(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
any_row = st.integers(0, 10**6)


@pytest.fixture
def story(house, unguarded):
    """Alice and Bob, enrolled, written to, one of them stopped; heads published in the middle and at the end."""
    builders.alice()
    builders.bob()
    post.confirmed(NOW)
    post.round_of_post(DUE)
    assert len(publish_all(now=MIDDLE)) == 2
    builders.text_from(house.lakeside, builders.ALICES_PHONE, "STOP", now=LATER)
    post.round_of_post(LATER)
    publish_all(now=END)
    assert faults() == []
    return house


def after(tamper: Callable[[], object]) -> list[str]:
    """The faults once `tamper` was done, and then everything as it was."""
    with transaction.atomic():
        tamper()
        found = faults()
        transaction.set_rollback(True)
    return found


def another(name: str, value: Any) -> Any:
    """A value of the same kind that the database takes as well."""
    if name == "act":
        return ACTS[value]
    if name in ANOTHER:
        return ANOTHER[name][value]
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    if isinstance(value, dict):
        return {**value, "more": 1}
    if isinstance(value, str):
        return "0" * 64 if len(value) == 64 else f"{value[:10]}x"
    return 10**6 if value is None else value + 10**6


@property_of
@given(table=st.sampled_from(sorted(TABLES)), which=any_row, column=any_row)
def test_any_changed_value_of_any_sealed_row_is_found_and_named(story, table, which, column):
    """Rule 2: every column of the ledger, the record and the links themselves, the number of the row too."""
    model = TABLES[table]
    row = model.objects.order_by("pk")[which % model.objects.count()]
    fields = [each.attname for each in model._meta.concrete_fields if each.attname != "wording_id"]
    if table == "seal":
        fields.remove("id")  # nothing names a seal by its id
    name = fields[column % len(fields)]
    change = {name: another(name, getattr(row, name))}
    found = after(lambda: model.objects.filter(pk=row.pk).update(**change))
    if table == "seal":
        named = (
            f"seal {row.number} ",
            f"row {row.row_id} ",
            f"seal row {row.pk} names a clinic",
        )  # of no chain any more
        assert any(name_of in each for each in found for name_of in named), (name, found)
    else:
        assert any(f"{table} row {row.pk} was" in each for each in found), (name, found)


@property_of
@given(table=st.sampled_from(["consent", "event"]), which=any_row, with_seal=st.booleans())
def test_any_removed_row_is_found(story, table, which, with_seal):
    """P8: alone it is named; taken away together with its seal, the gap is named."""
    model = TABLES[table]
    row = model.objects.order_by("pk")[which % model.objects.count()]
    seal = Seal.objects.get(table=table, row_id=row.pk)
    newest = Seal.objects.filter(clinic_id=seal.clinic_id).latest("number").number == seal.number

    def tamper():
        remove(table, [row.pk])
        if with_seal:
            Seal.objects.filter(pk=seal.pk)._raw_delete(using="default")

    gap = f"rows after seal {seal.number - 1} were removed" if newest else f"seal {seal.number} is missing"
    named = gap if with_seal else f"{table} row {row.pk} was removed"
    assert any(named in each for each in after(tamper))


def test_cut_off_at_the_end_is_found_wherever_it_was_cut(story):
    """P8: the newest rows together with their seals: only a head that was published before knows of them."""
    clinic = story.lakeside
    seals = list(Seal.objects.filter(clinic_id=clinic.pk).order_by("number"))
    told = f"{clinic.slug}: rows after seal %d were removed: the head published on 12 January 2027 22:00 UTC says %d"
    for left in range(len(seals)):
        assert told % (left, len(seals)) in after(lambda gone=seals[left:]: cut_off(gone)), left


def cut_off(gone):
    """The rows of these seals are away, and the seals themselves."""
    for table in ("consent", "event"):
        remove(table, [each.row_id for each in gone if each.table == table])
    Seal.objects.filter(pk__in=[each.pk for each in gone])._raw_delete(using="default")


def test_a_chain_that_was_forged_anew_is_found(story):
    """P8: any row changed and every link after it made to fit; the first head published after it disagrees."""
    seals = list(Seal.objects.filter(clinic_id=story.lakeside.pk).order_by("number"))
    first, last = published().of("lakeside")
    assert first.seal < last.seal
    for at, seal in enumerate(seals):
        found = after(lambda at=at: forged(seals, at))
        good = 0 if seal.number <= first.seal else first.seal
        assert any(each.startswith(f"lakeside: rows after seal {good} were replaced") for each in found), at


def forged(seals, at):
    """The row of one seal is another, and everything from there on fits."""
    model = table_of(seals[at].table)
    change = {"method": "web"} if model is ConsentEvent else {"actor": "staff:999"}
    assert model.objects.filter(pk=seals[at].row_id).update(**change) == 1
    rechained(seals[at:], seals[at - 1].head if at else START)


def rechained(seals, head):
    """Each of these links made to fit the rows as they are now, the first to `head`."""
    for seal in seals:
        digest = row_hash(table_of(seal.table).objects.get(pk=seal.row_id))
        head = next_head(head, seal.number, seal.table, seal.row_id, digest)
        Seal.objects.filter(pk=seal.pk).update(row_sha256=digest, head=head)


def remove(table, ids):
    """Rows of a sealed table, with their evidence, past every guard of the framework."""
    if table == "consent":
        Evidence.objects.filter(event_id__in=ids)._raw_delete(using="default")
    TABLES[table].objects.filter(pk__in=ids)._raw_delete(using="default")


def copied(model, *, at, **which):
    """A row slipped in as a copy of another."""
    row = model.objects.filter(**which).order_by("pk").first()
    row.pk = None
    setattr(row, "at" if model is Event else "recorded_at", at)
    if model is ConsentEvent:
        row.commitment = ""
    row.save(force_insert=True)
    return row


def test_an_event_slipped_in_is_found_once_its_hour_is_over(story):
    """P8: a row without a seal, older than a published head that should cover it."""
    assert "was inserted outside the chain" in str(after(lambda: copied(Event, at=DUE, kind="enrolled")))
    assert after(lambda: copied(Event, at=END, kind="enrolled")) == []  # the sealer has not come by yet


@pytest.mark.parametrize("model", [Event, ConsentEvent], ids=lambda model: model.__name__)
def test_a_row_that_says_it_is_older_than_a_head_without_it_is_found(story, model):
    """P8: slipped in with an old date and properly sealed afterwards."""
    from worker.actions.record.audit import append_seals

    table = "event" if model is Event else "consent"

    def tamper():
        row = copied(model, at=DUE, clinic_id=story.lakeside.pk)
        append_seals(story.lakeside.pk, table, [row])

    assert any(f"lakeside: {table} row" in each and "inserted afterwards" in each for each in after(tamper))


def test_the_installations_own_record_is_chained_as_well(story):
    """Rule 142: what concerns all clinics (keys exchanged, texts emptied) has a chain and heads of its own."""
    from worker.actions.record.audit import record

    record(clinic_id=0, kind="retained", subject="installation", actor="system", at=END)
    note = Event.objects.latest("pk")
    assert seal_decisions() == 1
    assert [each.head.clinic for each in publish_all(now=END)] == ["(all clinics)"]
    found = after(lambda: Event.objects.filter(pk=note.pk).update(code="x"))
    assert found == [f"(all clinics): event row {note.pk} was changed"]


def test_a_row_of_no_clinic_is_found(story):
    """P10: every row is some clinic's, or the installation's."""
    row = Event.objects.order_by("pk").first()
    found = after(lambda: Event.objects.filter(pk=row.pk).update(clinic_id=99))
    assert f"event row {row.pk} names a clinic that is not here" in found


CONTENTS = {
    "a wording": lambda: Wording.objects.update(text="I agree to everything."),
    "a protocol": lambda: ProtocolVersion.objects.update(document="{}"),
    "an approval": lambda: Approval.objects.update(licence="NY-000000"),
    "who approved": lambda: Approval.objects.update(review_by=END),
    "an approval taken away": lambda: Approval.objects.all()._raw_delete(using="default"),
    "an approval withdrawn": lambda: Approval.objects.update(withdrawn_at=END, withdrawn_by=1),
    "evidence": lambda: Evidence.objects.update(salt=b"0" * 16),
    "evidence emptied": lambda: Evidence.objects.update(salt=None, sealed=None),
    "evidence taken away": lambda: Evidence.objects.all()._raw_delete(using="default"),
}
NAMED = {
    "a wording": "wording row", "a protocol": "protocol version", "evidence": "evidence of consent row",
    "an approval taken away": "the approval that event row", "evidence emptied": "evidence of consent row",
    "evidence taken away": "evidence of consent row",
}  # fmt: skip


@pytest.mark.parametrize("case", CONTENTS)
def test_what_a_hash_stands_for_is_checked_too(story, case):
    """P3, rule 2: the words shown, the texts approved, the approvals, and what people said."""
    assert any(NAMED.get(case, "approval row") in each for each in after(CONTENTS[case]))


def test_a_wording_exchanged_with_its_hash_is_found(story):
    """Rule 2: the consent names the hash of the words, so both can't be changed together."""
    import hashlib

    text = "I agree to everything."
    digest = hashlib.sha256(text.encode()).hexdigest()
    found = after(lambda: Wording.objects.update(text=text, sha256=digest))
    assert any("is not the one that consent row" in each for each in found)


def test_a_forged_line_in_the_heads_file_is_found(story):
    """P8: whoever rewrites the file has no key; a line that was cut short is named too."""
    file = Path(settings.HEADS_FILE)
    true = file.read_text()
    line = true.splitlines()[-1]
    for forged in (line.replace('"seal":', '"seal":1'), line[:-20], "{}", "[" * 1900, "\x00"):
        file.write_text(f"{true}{forged}\n")
        assert len([each for each in faults() if each.startswith("heads file: line 4 ")]) == 1, forged
    file.write_text(true + "x\n" * 10_000)
    assert len(faults()) == 21
    file.write_text(true)
    assert faults() == []


def test_a_copy_of_the_heads_from_elsewhere_serves_as_well(story, tmp_path):
    """P8: whoever owns this machine can take the file away; a copy at the lawyer's still tells."""
    copy = tmp_path / "copy.jsonl"
    Path(settings.HEADS_FILE).rename(copy)
    seal = Seal.objects.filter(clinic_id=story.lakeside.pk).latest("number")

    def tamper():
        remove(seal.table, [seal.row_id])
        Seal.objects.filter(pk=seal.pk)._raw_delete(using="default")

    assert after(tamper) == []
    with transaction.atomic():
        tamper()
        assert "were removed" in str(faults(published(copy)))
        transaction.set_rollback(True)
