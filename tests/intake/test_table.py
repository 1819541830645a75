"""A table from another system is read strictly: what can't be read is said with its line, never guessed (P12)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.intake.client_rows import COLUMNS, Defaults, as_client, proposed
from worker.intake.table import MOST_ROWS, read_table
from worker.rules.refusal import Refusals

OWN = Defaults(clinic="lakeside", by="sam@lakeside.example", language="en", zone="America/New_York")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_it_reads_what_spreadsheets_write(delimiter, coding):
    """Comma, semicolon or tab; with or without a mark; quotes, line ends in cells, short and empty rows."""
    text = 'id;name\r\n1;"Ann; ""A"" Smith"\r\n\r\n2\r\n'.replace(";", delimiter, 1).replace("1;", f"1{delimiter}")
    table = read_table(text.encode(coding))
    assert (table.heads, table.rows) == (["id", "name"], [["1", 'Ann; "A" Smith'], ["2", ""]])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_row_has_the_number_of_its_line_in_the_file(end):
    """P12: empty lines count as an editor counts them, and a row stands where it begins, line ends in cells or not."""
    text = 'id,"the\nname"\n1,Ann\n\n , \n2,"Bea\n\nSmith"\n\n3,Cleo\n'.replace("\n", end)
    assert read_table(text.encode()).lines == [3, 6, 10]


@pytest.mark.parametrize("wrong", ["4,Dora,5", "4," + "x" * 2001], ids=["too many cells", "too long a cell"])
def test_a_row_that_does_not_fit_is_named_by_its_line_in_the_file(wrong):
    """P12: whoever mends it opens the file at that line."""
    with pytest.raises(Refusals, match="in line 6"):
        read_table(f'id,name\n\n2,"Bea\nSmith"\n\n{wrong}\n'.encode())


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "no first line"),
        (b"id,name\n", "no rows"),
        (b"id,id\n1,2\n", "same name"),
        (b"id,name\n1,2,3\n", "line 2"),
        (b'id,name\n1,"open\n', "quote"),
        (b"id,name\n\xff,1\n", "UTF-8"),
        (b"id\0,name\n1,2\n", "no text"),
        (b"id,name\n1," + b"x" * 2001 + b"\n", "2000 characters"),
        (b"id\n" + b"1\n" * (MOST_ROWS + 1), "more than 50,000"),
        (",".join(f"c{n}" for n in range(101)).encode() + b"\n1\n", "100 columns"),
    ],
)
def test_what_is_no_table_is_refused_with_the_mend(raw, why):
    """P12."""
    with pytest.raises(Refusals, match=why):
        read_table(raw)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw):
    """P12: a hostile upload gets an answer, never an error page."""
    try:
        table = read_table(raw)
    except Refusals:
        return
    assert all(len(row) == len(table.heads) for row in table.rows)


def test_columns_are_found_by_the_names_of_other_systems():
    """Cliniko, Phorest and a spreadsheet; what is not known is left to a person, and nothing is taken twice."""
    assert proposed(["Patient ID", "firstName", "lastName", "Mobile Phone", "E-mail", "Notes"]) == {
        "external_id": "Patient ID", "given_name": "firstName", "family_name": "lastName", "mobile": "Mobile Phone",
        "email": "E-mail",
    }  # fmt: skip
    assert proposed(list(COLUMNS)) == {column: column for column in COLUMNS}


@given(st.dictionaries(st.sampled_from(list(COLUMNS)), st.text(max_size=40)))
def test_any_row_is_read_or_refused_and_never_agrees_by_itself(cells):
    """Rule 3: a consent comes of a plain yes in its own column, of nothing else."""
    try:
        made = as_client(cells, OWN)
    except Refusals:
        return
    agreed = {(each["channel"], each["purpose"]) for each in made["consents"]}
    said = {column for column, cell in cells.items() if column.startswith("consent_") and cell.strip()}
    assert not agreed or said


def test_a_cancelled_visit_is_left_out():
    """Rule of true texts (P7): no reminder of a visit that is off."""
    cells = {"external_id": "1", "given_name": "Ann", "consent_sms_aftercare": "", "treatment_code": "p"}
    visit = cells | {"next_session_at": "2027-03-12 15:00"}
    assert as_client(visit, OWN)["appointment"]["starts_at"] == "2027-03-12T15:00:00-05:00"
    assert "appointment" not in as_client(visit | {"appointment_status": "Cancelled"}, OWN)
