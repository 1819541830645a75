"""A file of clients: every row's fate before anything takes effect, and the one way in for each (P1, P4, P12)."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, CHARLIE, NOW, OKAFOR, PROTOCOL, SAM
from worker import clock
from worker.actions.imports import work as importing
from worker.actions.imports.stage import confirm, drop, read_as, stage
from worker.actions.imports.work import purge, work
from worker.actions.privacy.erase import erase
from worker.models import Client, ConsentEvent, Event, ImportBatch, ImportRow, Message
from worker.reading.chain import faults
from worker.reading.imports import imported, rows_of, summary
from worker.rules.refusal import Refusals

HEADS = (
    "Client ID", "First name", "Last name", "Mobile", "Email", "treatment_code", "treated_at", "consent_sms_aftercare",
    "consent_email_aftercare", "consent_at", "consent_method",
)  # fmt: skip
TREATED = "2027-01-12 09:00"
NOTHING = dict[str, str]()


def row(number=1, **changed):
    """One client of the other system, treated an hour before NOW in New York."""
    said = {
        "Client ID": f"C-{number}", "First name": "Ann", "Last name": f"Smith{'abcdefghij'[number % 10]}",
        "Mobile": f"(212) 555-01{number:02}", "Email": f"ann{number}@example.com", "treatment_code": PROTOCOL,
        "treated_at": TREATED, "consent_sms_aftercare": "yes", "consent_email_aftercare": "no",
        "consent_at": "2027-01-11", "consent_method": "paper",
    }  # fmt: skip
    return said | changed


def table(*rows, heads=HEADS, delimiter=","):
    """The file as another system writes it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=heads, delimiter=delimiter, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def looked(house, raw, *, by=SAM, now=NOW, mapping=None, **defaults):
    """Staged, read as proposed, and looked at to the end."""
    batch = stage(clinic=house.lakeside, by=by, raw=raw, now=now)
    heads = {each: place for place, each in enumerate(raw.decode("utf-8-sig").splitlines()[0].split(","))}
    own = mapping or {column: _name(heads, place) for column, place in batch.mapping.items()}
    read_as(clinic=house.lakeside, batch_id=batch.pk, by=by, mapping=own, defaults=defaults)
    _work(now)
    return imported(clinic=house.lakeside, batch_id=batch.pk)


def _name(heads, place):
    return next(name for name, at in heads.items() if at == place)


def _work(now):
    return work(longest=60.0, now=now, machine=clock.machine())


def taken(house, batch, *, by=SAM, now=NOW):
    """Confirmed, and every fit row enrolled."""
    confirm(clinic=house.lakeside, batch_id=batch.pk, by=by, now=now)
    _work(now)
    return imported(clinic=house.lakeside, batch_id=batch.pk)


def fates(batch):
    """What became of each line."""
    return {each["line"]: each["fate"] for each in rows_of(batch)}


def test_nothing_takes_effect_before_somebody_confirms(house):
    """P12: the whole file is looked at; only the staged rows, sealed, and the record of them are new."""
    before = builders.counts()
    batch = looked(house, table(row(1), row(2, consent_sms_aftercare="")))
    after = builders.counts()
    assert {name for name in after if after[name] != before[name]} == {"ImportBatch", "ImportRow", "Event", "Seal"}
    assert fates(batch) == {2: "good", 3: "quiet"}
    assert batch.state == "ready"


def test_a_confirmed_row_is_enrolled_as_from_the_desk(house):
    """P1: her consent with its evidence, her plan, her opt-in confirmation first; nothing to who agreed to nothing."""
    batch = taken(house, looked(house, table(row(1), row(2, consent_sms_aftercare="no"))))
    assert (batch.state, fates(batch)) == ("done", {2: "enrolled", 3: "enrolled"})
    ann, quiet = Client.objects.get(external_id="C-1"), Client.objects.get(external_id="C-2")
    act = ConsentEvent.objects.get(client_id=ann.pk, act="given")
    assert (act.method, act.wording.code, act.recorded_by[:6]) == ("paper", "service", "staff:")
    assert post.round_of_post(NOW) == ["optin-confirmation"]
    assert Message.objects.filter(client=ann, cls="course").exists()
    assert not Message.objects.filter(client=quiet).exists()
    assert not ConsentEvent.objects.filter(client_id=quiet.pk).exists()
    assert faults() == []


def test_who_said_stop_is_refused_with_the_day(house):
    """P2, rule 34: "17 refused: opted out 3 May", before anything is stored."""
    builders.text_from(house.lakeside, ALICES_PHONE, "STOP", now=NOW - timedelta(days=3))
    batch = looked(house, table(row(1), row(2, Mobile=ALICES_PHONE), row(3)))
    assert fates(batch) == {2: "good", 3: "refused", 4: "good"}
    (reason,) = summary(batch)["refused_for"]
    assert reason == {"reason": "phone: may not be written to since 9 January 2027 (keyword)", "rows": 1}


def test_a_stop_between_preview_and_confirmation_wins(house):
    """P2: every check is made anew as the row is taken."""
    batch = looked(house, table(row(23), row(2)))
    builders.text_from(house.lakeside, "+12125550123", "STOP", now=NOW)
    batch = taken(house, batch)
    assert fates(batch) == {2: "refused", 3: "enrolled"}
    assert not Client.objects.filter(external_id="C-23").exists()


@pytest.mark.parametrize("by", [SAM, OKAFOR])
def test_the_same_file_again_changes_nothing(house, by):
    """P4: whoever of the clinic brings it, on another day."""
    taken(house, looked(house, table(row(1), row(2))))
    before = (Client.objects.count(), Message.objects.count(), ConsentEvent.objects.count())
    batch = looked(house, table(row(1), row(2)), by=by, now=NOW + timedelta(days=1))
    assert fates(batch) == {2: "known", 3: "known"}
    assert fates(taken(house, batch, by=by)) == {2: "known", 3: "known"}
    assert (Client.objects.count(), Message.objects.count(), ConsentEvent.objects.count()) == before


def test_a_changed_row_of_a_known_client_is_refused_not_merged(house):
    """A file must never overwrite what a client agreed to at the desk."""
    taken(house, looked(house, table(row(1, consent_sms_aftercare="no"))))
    batch = looked(house, table(row(1)))
    assert rows_of(batch)[0]["faults"][0][:2] == ["external_id", "is enrolled already, with other details"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"consent_sms_aftercare": "maybe"}, "consent_sms_aftercare"),
        ({"consent_at": ""}, "consent_at"),
        ({"consent_at": "03/04/2027"}, "consent_at"),
        ({"consent_method": "telepathy"}, "consent_method"),
        ({"treated_at": "2027-01-12"}, "treated_at"),
        ({"treated_at": "2026-01-12 10:00"}, "treatment.performed_at"),
        ({"Mobile": "12"}, "phone"),
        ({"Mobile": "", "Email": ""}, "file"),
        ({"Email": "a@b, c@d"}, "email"),
        ({"treatment_code": "lasers"}, "treatment.protocol"),
        ({"Client ID": ""}, "external_id"),
        ({"First name": "Ann\u202e"}, "name"),
        ({"First name": "=HYPERLINK(1)", "Client ID": "=1"}, "external_id"),
    ],
)
def test_a_row_that_is_not_fit_says_why_and_stops_no_other(house, changed, field):
    """P12: field and mend, line by line; the rows beside it are fit."""
    batch = looked(house, table(row(1), row(2, **changed), row(3)))
    assert fates(batch) == {2: "good", 3: "refused", 4: "good"}
    assert field in [fault[0] for fault in rows_of(batch, fate="refused")[0]["faults"]]


def test_a_refused_row_is_named_by_its_line_in_the_file(house):
    """P12: an empty line and a cell of several lines shift no number; so the other line of a client named twice."""
    heads, *rows = table(row(1), row(2, **{"First name": "Ann\r\nBea"}), row(3), row(1)).splitlines(keepends=True)
    batch = looked(house, heads + b"\r\n" + b"".join(rows[:3]) + b"\r\n" + b"".join(rows[3:]))
    assert list(fates(batch)) == [3, 4, 7, 8]
    assert rows_of(batch, fate="refused")[0]["faults"][0][1] == "stands in line 3 as well"


def test_a_file_without_any_consent_column_enrols_nobody(house):
    """Rule 3: silence is no yes, and not even a no."""
    heads = tuple(head for head in HEADS if not head.startswith("consent_"))
    batch = looked(house, table(row(1), heads=heads))
    assert rows_of(batch)[0]["faults"][0][1] == "was asked in no column of this file"


def test_one_client_twice_in_a_file_is_named_with_the_other_line(house):
    """The second line is refused; it says where the first stands."""
    batch = looked(house, table(row(1), row(2), row(1)))
    assert rows_of(batch, fate="refused")[0]["faults"] == [
        ["external_id", "stands in line 2 as well", "keep one of the two lines"]
    ]


def test_a_worker_that_was_killed_in_the_middle_leaves_no_row_undone_or_twice(house, monkeypatch):
    """P11: its lease ends, and the next goes on where it stood."""
    batch = looked(house, table(*(row(number) for number in range(1, 6))))
    confirm(clinic=house.lakeside, batch_id=batch.pk, by=SAM, now=NOW)
    ImportBatch.objects.filter(pk=batch.pk).update(busy_until=clock.machine() + timedelta(seconds=60))
    assert _work(NOW) == 0  # somebody holds it
    later = clock.machine() + timedelta(seconds=61)
    assert work(longest=0.0, now=NOW, machine=later) == 0
    assert work(longest=60.0, now=NOW, machine=later) == 5
    assert Client.objects.count() == 5


def test_what_nobody_confirmed_is_gone_after_a_day(house):
    """P9: nothing personal is left of it, only what was decided."""
    batch = looked(house, table(row(1), row(2, Mobile="12")))
    assert purge(now=NOW + timedelta(hours=23)) == 0
    assert purge(now=NOW + timedelta(hours=24)) == 1
    batch.refresh_from_db()
    assert (batch.state, batch.heads_sealed) == ("dropped", None)
    assert not ImportRow.objects.filter(cells_sealed__isnull=False).exists()
    with pytest.raises(Refusals, match="is dropped"):
        confirm(clinic=house.lakeside, batch_id=batch.pk, by=SAM, now=NOW)


def test_staged_rows_are_sealed_and_nothing_of_them_stands_in_the_record(house):
    """P9, rule 61: no name, number or address in any plain column."""
    looked(house, table(row(1, **{"First name": "Zzcanary"}), row(2, Mobile="12", Email="zzcanary@example.com")))
    for stored in (*ImportRow.objects.values(), *ImportBatch.objects.values(), *Event.objects.values()):
        plain = {name: value for name, value in stored.items() if not isinstance(value, bytes | memoryview)}
        assert "zzcanary" not in str(plain).lower()
        for name in ("cells_sealed", "heads_sealed"):
            assert b"anary" not in bytes(stored.get(name) or b"")


def test_no_lock_is_held_while_the_rows_of_a_file_come_in(committed, monkeypatch):
    """Issue 6, point 7: on SQLite a STOP would wait seconds for fifty thousand rows in one transaction."""
    house, held, create = builders.house(), [], ImportRow.objects.bulk_create
    monkeypatch.setattr("worker.actions.imports.stage.AT_ONCE", 2)

    def noted(rows):
        held.append(connection.in_atomic_block)
        return create(rows)

    monkeypatch.setattr(ImportRow.objects, "bulk_create", noted)
    batch = stage(clinic=house.lakeside, by=SAM, raw=table(*map(row, range(1, 6))), now=NOW)
    assert held == [False, False, False]
    assert (batch.total, batch.rows.count()) == (5, 5)


def test_a_file_that_did_not_come_in_whole_leaves_nothing(house, monkeypatch):
    """P9, P12: the database failed in the middle; nothing personal stays behind, and its half is never enrolled."""
    create = ImportRow.objects.bulk_create
    monkeypatch.setattr("worker.actions.imports.stage.AT_ONCE", 2)

    def full(rows):
        if ImportRow.objects.exists():
            raise OperationalError
        return create(rows)

    monkeypatch.setattr(ImportRow.objects, "bulk_create", full)
    with pytest.raises(OperationalError):
        stage(clinic=house.lakeside, by=SAM, raw=table(*map(row, range(1, 6))), now=NOW)
    assert ImportBatch.objects.get().state == "dropped"
    assert not ImportRow.objects.filter(cells_sealed__isnull=False).exists()


def test_a_file_that_is_dropped_while_it_comes_in_leaves_nothing(house, monkeypatch):
    """P9: the rows that come after the drop are emptied as well; nothing else would ever look for them."""
    create = ImportRow.objects.bulk_create
    monkeypatch.setattr("worker.actions.imports.stage.AT_ONCE", 2)

    def dropped(rows):
        create(rows)
        if ImportRow.objects.count() == 2:
            drop(clinic=house.lakeside, batch_id=ImportBatch.objects.get().pk, by=SAM, now=NOW)

    monkeypatch.setattr(ImportRow.objects, "bulk_create", dropped)
    with pytest.raises(Refusals, match="was dropped while it came in"):
        stage(clinic=house.lakeside, by=SAM, raw=table(*map(row, range(1, 6))), now=NOW)
    assert ImportBatch.objects.get().state == "dropped"
    assert not ImportRow.objects.filter(cells_sealed__isnull=False).exists()


def test_half_a_file_that_a_killed_process_left_is_refused_and_purged(house):
    """P12: it says what to do; after a day it is gone as whatever nobody confirmed."""
    batch = stage(clinic=house.lakeside, by=SAM, raw=table(row(1)), now=NOW)
    ImportBatch.objects.update(total=0)  # what the first slice leaves
    with pytest.raises(Refusals, match="did not arrive whole"):
        read_as(clinic=house.lakeside, batch_id=batch.pk, by=SAM, mapping={}, defaults={})
    assert purge(now=NOW + timedelta(hours=24)) == 1


def test_an_erased_client_leaves_no_trace_in_the_file_she_came_by(house):
    """Rule 62: the keyed hash of her line goes with her."""
    taken(house, looked(house, table(row(1))))
    erase(client_id=Client.objects.get().pk, by=SAM, now=NOW)
    assert list(ImportRow.objects.values_list("digest", "key", "cells_sealed")) == [(None, None, None)]


def test_the_same_file_after_an_erasure_enrols_her_by_no_old_yes(house):
    """P1, rule 62: her row is refused, in the look already; one who agreed to nothing, or said yes anew, may come."""
    rows = (row(1), row(2, consent_sms_aftercare=""), row(3))
    taken(house, looked(house, table(*rows)))
    for each in Client.objects.order_by("pk"):
        erase(client_id=each.pk, by=SAM, now=NOW)
    anew = row(3, consent_at="2027-01-12 16:00")
    batch = looked(house, table(row(1), rows[1], anew), now=NOW + timedelta(days=1))
    assert fates(batch) == {2: "refused", 3: "quiet", 4: "good"}
    (refused,) = summary(batch)["refused_for"]
    assert refused["reason"].startswith("consents.0.given_at: is older than the erasure of 12 January 2027")
    assert fates(taken(house, batch, now=NOW + timedelta(days=1))) == {2: "refused", 3: "enrolled", 4: "enrolled"}


def test_an_erasure_between_preview_and_confirmation_wins(house):
    """P1, rule 62: her record is erased while the file waits; its yes for that number is refused as it is taken."""
    batch = looked(house, table(row(1)))
    client = builders.alice(external_id="A-2", phone="(212) 555-0101", email=None, consents=()).client
    erase(client_id=client.pk, by=SAM, now=NOW)
    assert fates(taken(house, batch, now=NOW + timedelta(hours=1))) == {2: "refused"}


def test_the_other_clinic_sees_and_does_nothing(house):
    """P10: Charlie neither confirms nor drops nor reads it, and brings nothing in Lakeside's name."""
    batch = looked(house, table(row(1)))
    for act in (
        lambda: confirm(clinic=house.hillside, batch_id=batch.pk, by=CHARLIE, now=NOW),
        lambda: drop(clinic=house.hillside, batch_id=batch.pk, by=CHARLIE, now=NOW),
        lambda: imported(clinic=house.hillside, batch_id=batch.pk),
        lambda: stage(clinic=house.lakeside, by=CHARLIE, raw=table(row(1)), now=NOW),
    ):
        with pytest.raises(Refusals):
            act()


def test_a_file_that_was_dropped_is_gone_at_once(house):
    """Somebody uploaded the wrong one."""
    batch = looked(house, table(row(1)))
    drop(clinic=house.lakeside, batch_id=batch.pk, by=SAM, now=NOW)
    assert not ImportRow.objects.filter(cells_sealed__isnull=False).exists()
    assert _work(NOW) == 0


def test_what_holds_for_all_rows_is_chosen_once(house):
    """A file without protocol, method and wording takes those that a person chose for it."""
    heads = tuple(head for head in HEADS if head not in ("treatment_code", "consent_method"))
    raw = table(row(1), heads=heads)
    assert fates(looked(house, raw)) == {2: "refused"}
    assert fates(looked(house, raw, protocol=PROTOCOL, method="paper")) == {2: "good"}


def test_a_look_asks_once_for_what_all_rows_have_in_common(house, django_assert_max_num_queries):
    """P5: of fifty thousand rows each costs its own questions alone, not those after clinic, staff, words, version."""
    raw = table(*(row(number) for number in range(10, 40)))
    batch = stage(clinic=house.lakeside, by=SAM, raw=raw, now=NOW)
    heads = raw.decode().splitlines()[0].split(",")
    mapping = {column: heads[place] for column, place in batch.mapping.items()}
    read_as(clinic=house.lakeside, batch_id=batch.pk, by=SAM, mapping=mapping, defaults={})
    with django_assert_max_num_queries(30 * 8 + 20):
        assert _work(NOW) == 30


def test_an_address_that_another_client_has_is_for_the_desk_to_judge(house):
    """Under two ids she would get every text twice; her daughter is enrolled where the question is asked (P4, 134)."""
    builders.alice()
    batch = looked(house, table(row(1, Mobile=ALICES_PHONE), row(2)))
    assert [each["fate"] for each in rows_of(batch)] == ["refused", "good"]
    assert rows_of(batch)[0]["faults"][0][:2] == ["phone", "is another client's already"]


def test_columns_that_are_named_anew_while_rows_are_looked_at_count_for_every_row(house, monkeypatch):
    """A worker in the middle of a file drops the old mapping at once: no row keeps a fate that it gave (P12)."""
    raw = table(*(row(number) for number in range(1, 8)))
    batch = stage(clinic=house.lakeside, by=SAM, raw=raw, now=NOW)
    heads = dict(enumerate(HEADS))
    right = {column: heads[place] for column, place in batch.mapping.items()}
    wrong = right | {"mobile": "Client ID", "external_id": "Mobile"}
    read_as(clinic=house.lakeside, batch_id=batch.pk, by=SAM, mapping=wrong, defaults=NOTHING)
    monkeypatch.setattr(importing, "CHUNK", 2)
    looking, chunks = importing._look_at, []

    def corrected(*whose):
        chunks.append(whose)
        if len(chunks) == 2:
            read_as(clinic=house.lakeside, batch_id=batch.pk, by=SAM, mapping=right, defaults=NOTHING)
        return looking(*whose)

    monkeypatch.setattr(importing, "_look_at", corrected)
    _work(NOW)
    _work(NOW)
    read = imported(clinic=house.lakeside, batch_id=batch.pk)
    assert {each["fate"] for each in rows_of(read)} == {"good"}
    assert (read.state, read.done) == ("ready", 7)
