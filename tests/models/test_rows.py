"""Many rows in one statement say the same as one statement a row, on SQLite and on PostgreSQL (P4: counts decide)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from worker.models import Pause
from worker.models.rows import among, change, fetch, insert_many, moment, update_many

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 13, 0, 0, 123456, tzinfo=UTC)
COLUMNS = ("value", "scope", "why", "by", "since")
# What an array, a statement's text or a driver could take for syntax.
NASTY = ("", "NULL", "null", "{a,b}", "a,b", '"', "'", "\\", "\\N", "%s", "%b", "--", "$1", "é€😀", "\u202e", " x ")


def _pauses(whys: tuple[str, ...] = NASTY) -> list[int]:
    insert_many(
        "aftercare_pause",
        COLUMNS,
        [(str(index), "clinic", why, "staff:1", NOW + timedelta(microseconds=index)) for index, why in enumerate(whys)],
    )
    return list(Pause.objects.order_by("pk").values_list("pk", flat=True))


def test_every_row_arrives_with_its_own_values():
    """What differs from row to row and what is the same in all of them are stored alike, in the order given."""
    _pauses()
    rows = list(Pause.objects.order_by("pk"))
    assert [row.why for row in rows] == list(NASTY)
    assert {(row.scope, row.by, row.ended_at) for row in rows} == {("clinic", "staff:1", None)}
    assert [row.since for row in rows] == [NOW + timedelta(microseconds=index) for index in range(len(NASTY))]


def test_one_row_alone_is_a_batch_too():
    """A batch of one, where all columns are the same in all rows."""
    (pk,) = _pauses(("alone",))
    assert update_many("aftercare_pause", "id", ("why", "by"), [(pk, "moved", "staff:2")]) == 1
    assert Pause.objects.values_list("why", "by").get() == ("moved", "staff:2")


def test_nothing_to_do_is_no_statement(django_assert_num_queries):
    """An empty batch touches nothing."""
    with django_assert_num_queries(0):
        insert_many("aftercare_pause", COLUMNS, [])
        assert update_many("aftercare_pause", "id", ("why",), []) == 0


def test_each_row_is_changed_to_its_own_values_and_counted():
    """The count is the rows that were there and that `where` let through: a caller decides by it whether to go on."""
    ids = _pauses()
    whys = [f"{why}!" for why in reversed(NASTY)]
    changes = [(pk, why, "x") for pk, why in zip(ids, whys, strict=True)]
    assert update_many("aftercare_pause", "id", ("why", "by"), changes) == len(ids)
    assert list(Pause.objects.order_by("pk").values_list("why", flat=True)) == whys
    assert set(Pause.objects.values_list("by", flat=True)) == {"x"}
    absent = max(ids) + 1
    assert update_many("aftercare_pause", "id", ("why",), [(ids[0], "a"), (absent, "b")]) == 1
    narrowed = update_many("aftercare_pause", "id", ("why",), [(pk, "late") for pk in ids], "t.why = 'a'")
    assert narrowed == 1
    assert Pause.objects.get(pk=ids[0]).why == "late"


def test_ids_name_their_rows_and_no_others():
    """`among` takes any number of ids, none included, and whatever their size."""
    ids = _pauses()
    for wanted in ([], ids[:1], ids[3:7], [*ids, 2**40]):
        these, params = among("id", wanted)
        found = {row[0] for row in fetch(f"SELECT id FROM aftercare_pause WHERE {these}", params)}
        assert found == set(wanted) & set(ids)
    these, params = among("id", ids[:2])
    assert change(f"DELETE FROM aftercare_pause WHERE {these}", params) == 2
    assert Pause.objects.count() == len(ids) - 2


def test_a_moment_comes_back_as_it_went():
    """To the microsecond, aware and in UTC, whatever the driver makes of it."""
    _pauses(("one",))
    ((stored,),) = fetch("SELECT since FROM aftercare_pause", [])
    assert moment(stored) == NOW
    assert moment(stored).utcoffset() == timedelta(0)


def test_a_text_is_never_cut_in_silence():
    """A value longer than its column is refused by PostgreSQL, as one statement a row would be; SQLite has no limit."""
    from django.db import DataError, connection, transaction

    if connection.vendor != "postgresql":
        pytest.skip("SQLite keeps texts of any length")
    longest = Pause._meta.get_field("why").max_length
    with pytest.raises(DataError), transaction.atomic():
        _pauses(("x" * (longest + 1),))
    assert not Pause.objects.exists()


def test_a_conflict_is_left_to_the_caller():
    """ON CONFLICT DO NOTHING keeps the row that was there, for a promotion that runs twice at once."""
    _pauses(("first",))
    row = ("0", "clinic", "second", "staff:1", NOW)
    insert_many("aftercare_pause", COLUMNS, [row], "ON CONFLICT DO NOTHING")
    assert list(Pause.objects.values_list("why", flat=True)) == ["first"]
