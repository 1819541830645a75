"""Rows stored in one plain statement are what the ORM would have stored, on SQLite and on PostgreSQL (P2, P4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from tests import builders
from worker.models import Event, Inbound, Pause, Standing
from worker.models.store import store

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 1, 12, 15, 0, 0, 123456, tzinfo=UTC)
# What a statement's text, JSON or a driver could take for syntax.
NASTY = ("", "NULL", "null", "{a,b}", '"', "'", "\\", "%s", "%b", "--", "$1", "é€😀", "\u202e", " x ")


@pytest.fixture
def house(db):
    """Both clinics."""
    return builders.house()


def event(code: str = "", **facts: object) -> Event:
    return Event(clinic_id=1, at=NOW, kind="tried", subject="none:1", actor="tests", code=code, facts=facts)


def pause(why: str) -> Pause:
    return Pause(scope="clinic", value="1", why=why, by="staff:1", since=NOW)


def text(house, provider_id: str, **changes) -> Inbound:
    address = {"clinic": house.lakeside, "channel": "sms", "fingerprint": b"f" * 32, "key_id": "k"}
    standing, _ = Standing.objects.get_or_create(**address, defaults={"changed_at": NOW})
    known = {"clinic": house.lakeside, "standing": standing, "channel": "sms", "provider_id": provider_id}
    return Inbound(**known | {"word": "stop", "body_sealed": b"\x00\xff", "received_at": NOW} | changes)


def test_every_row_comes_back_as_it_was_given_with_its_own_number():
    """In the order given; texts, moments to the microsecond, JSON and NULL are what the ORM reads."""
    rows = [event(f"c{at}", said=said, at=at) for at, said in enumerate(NASTY)]
    assert store(rows)
    assert [row.pk for row in rows] == sorted({row.pk for row in rows})
    for row in rows:
        kept = Event.objects.get(pk=row.pk)
        assert (kept.code, kept.facts, kept.at, kept.subject) == (row.code, row.facts, NOW, "none:1")


def test_bytes_and_null_keep_their_kind(house):
    """A sealed body is bytes and no text, and what is not given is NULL (rule 42)."""
    row = text(house, "SM1")
    store([row])
    kept = Inbound.objects.get(pk=row.pk)
    assert (bytes(kept.body_sealed), kept.follow_up_sealed, kept.received_at) == (b"\x00\xff", None, NOW)


def test_several_are_one_statement_and_none_is_no_statement(django_assert_num_queries):
    """What is written for a STOP costs the same for one address and for twenty."""
    with django_assert_num_queries(0):
        assert store([]) == []
    before = Event.objects.count()
    with django_assert_num_queries(0 if connection.vendor == "postgresql" else 1):  # PostgreSQL's go past Django's log
        store([event(str(at)) for at in range(20)])
    assert Event.objects.count() == before + 20


def test_a_text_that_is_there_already_is_left_out_and_changes_nothing(house):
    """P4, rule 97: the provider's id counts once; the second is told so, and the transaction lives on."""
    first, again = text(house, "SM1"), text(house, "SM1", word="start")
    assert store([first], unless_there="provider_id")
    assert not store([again], unless_there="provider_id")
    assert again.pk is None
    assert list(Inbound.objects.values_list("pk", "word")) == [(first.pk, "stop")]


def test_without_leave_a_second_one_is_refused(house):
    """A unique key is never passed over in silence where nobody asked for that."""
    store([text(house, "SM1")])
    with pytest.raises(IntegrityError), transaction.atomic():
        store([text(house, "SM1")])
    assert Inbound.objects.count() == 1


def test_other_constraints_hold_even_where_one_that_is_there_may_be_left_out(house):
    """Only a conflict of keys is left out: a row without its address is refused."""
    with pytest.raises(IntegrityError), transaction.atomic():
        store([text(house, "SM1", standing=None)], unless_there="provider_id")
    assert not Inbound.objects.exists()


def test_of_several_only_those_that_were_there_are_left_out(house):
    """P4: twenty STOPs followed up at once make each confirmation once, and say which were new."""
    store([text(house, "SM2")])
    rows = [text(house, f"SM{at}") for at in range(4)]
    assert store(rows, unless_there="provider_id") == [rows[0], rows[1], rows[3]]
    assert rows[2].pk is None
    assert dict(Inbound.objects.values_list("provider_id", "pk")).items() >= {
        (r.provider_id, r.pk) for r in rows if r.pk
    }


def test_several_with_gaps_keep_each_its_own(house):
    """A NULL beside a value, and bytes beside none, stand where they were given (rule 42)."""
    rows = [text(house, "SM1", follow_up_sealed=None), text(house, "SM2", follow_up_sealed=b"\x00'{", body_sealed=None)]
    store(rows)
    kept = [Inbound.objects.get(pk=row.pk) for row in rows]
    assert [each.follow_up_sealed and bytes(each.follow_up_sealed) for each in kept] == [None, b"\x00'{"]
    assert [each.body_sealed and bytes(each.body_sealed) for each in kept] == [b"\x00\xff", None]


def test_two_that_are_alike_are_a_mistake(house):
    """Which of the two was there nothing would tell."""
    with pytest.raises(AssertionError), transaction.atomic():
        store([text(house, "SM1"), text(house, "SM1")], unless_there="provider_id")
    assert not Inbound.objects.exists()


def test_a_stored_row_is_changed_and_not_inserted_again(house):
    """`save` after `store` is an UPDATE: a STOP that says more than its listing did is one text (rule 24)."""
    row = text(house, "SM1", word="none")
    store([row])
    assert not row._state.adding
    row.word, row.received_at = "stop", NOW + timedelta(seconds=1)
    row.save()
    assert list(Inbound.objects.values_list("pk", "word")) == [(row.pk, "stop")]


def test_what_is_stored_is_gone_when_its_transaction_ends_badly(house):
    """P2: a text and what it closes are one; half of it never stays."""
    row = text(house, "SM1")
    with pytest.raises(IntegrityError), transaction.atomic():
        store([row]) and store([text(house, "SM1")])
    assert not Inbound.objects.exists()


def test_a_text_is_never_cut_in_silence():
    """A value longer than its column is refused by PostgreSQL, as the ORM's would be; SQLite has no limit."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite keeps texts of any length")
    longest = Pause._meta.get_field("why").max_length
    with pytest.raises(DataError), transaction.atomic():
        store([pause("x" * (longest + 1))])
    assert not Pause.objects.exists()
