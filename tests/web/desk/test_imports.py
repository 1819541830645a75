"""A file of clients at the desk: looked at row by row, confirmed or forgotten, and never unsealed on a disk."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests import builders
from tests.actions.imports.test_import import row, table
from tests.builders import ALICES_PHONE, NOW
from worker import clock
from worker.models import Client, ImportBatch, ImportRow
from worker.web.desk import imports

STOPPED = NOW - timedelta(days=3)


@pytest.fixture(autouse=True)
def _setting(settings, tmp_path):
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(NOW)


def csv_file(raw, name="clients.csv"):
    return {"file": SimpleUploadedFile(name, raw, content_type="text/csv")}


def brought(browser, raw):
    """Uploaded, its columns as they were recognised, and every row looked at; the address of the file's page."""
    columns = browser.post("/imports", csv_file(raw))["Location"]
    chosen = {each.name: each.value() or "" for each in browser.get(columns).context["form"]}
    page = browser.post(columns, chosen)["Location"]
    assert browser.post(f"{page}/look")["Location"] == page
    return page


def many():
    return Client.objects.count()


def test_every_row_has_its_fate_before_anything_takes_effect(desk):
    """P2, P12: who said stop is refused with the day; the sums, each reason, and the refusals as a file."""
    builders.text_from(desk.lakeside, ALICES_PHONE, "STOP everything", now=STOPPED)
    browser, before = desk.browser(), many()
    rows = (
        row(1),
        row(2, Mobile=ALICES_PHONE),
        row(3, consent_sms_aftercare="no"),
        row(4, Mobile="12", **{"Client ID": "=9+9"}),
    )
    page = brought(browser, table(*rows))
    shown = browser.get(page)
    said = shown.content.decode()
    assert {each["fate"]: each["many"] for each in shown.context["fates"]} == {"good": 1, "quiet": 1, "refused": 2}
    assert "<strong>1</strong> phone: may not be written to since 9 January 2027 (keyword)" in said
    assert "Enrol 2 clients" in said
    assert many() == before
    file = browser.get(f"{page}/refused.csv")
    lines = b"".join(file.streaming_content).decode().splitlines()
    assert lines[0] == "line,external_id,column,problem,mend"
    assert {tuple(each.split(",")[:2]) for each in lines[1:]} == {("3", "C-2"), ("5", "'=9+9")}
    only = browser.get(f"{page}?fate=refused").context["rows"]
    assert [each["line"] for each in only] == [3, 5]


def test_what_is_confirmed_is_enrolled_and_the_same_file_again_changes_nothing(desk):
    """P1, P4: the page before says how many get messages; a second look finds nothing to do."""
    browser, before = desk.browser(), many()
    raw = table(row(1), row(2, consent_sms_aftercare="no"))
    page = brought(browser, raw)
    asked = browser.get(f"{page}/confirm").content.decode()
    assert "Enrol 2 clients?" in asked
    assert "1 of them get messages" in asked
    browser.post(f"{page}/confirm")
    assert many() == before, "the work is a worker's, or a look's"
    browser.post(f"{page}/look")
    assert browser.get(page).context["said"]["fates"]["enrolled"] == 2
    assert many() == before + 2
    again = browser.get(brought(browser, raw))
    assert {each["fate"] for each in again.context["fates"]} == {"known"}
    assert "Enrol " not in again.content.decode()
    assert many() == before + 2


def test_the_bar_moves_and_ends_without_a_worker(desk, monkeypatch):
    """Point 7: a press works for a second and says how far it is; the script gets the same in parts."""
    monkeypatch.setattr(imports, "A_LOOK", 0.0)
    browser = desk.browser()
    page = brought(browser, table(*(row(number) for number in range(1, 4))))
    shown = browser.get(page).content.decode()
    assert '<progress id="bar" max="100" value="0">' in shown
    assert "Look again" in shown
    waits = browser.post(f"{page}/look", headers={"X-Requested-With": "fetch"}).content.decode()
    assert "data-over" not in waits
    monkeypatch.setattr(imports, "A_LOOK", 60.0)
    assert "data-over" in browser.post(f"{page}/look", headers={"X-Requested-With": "fetch"}).content.decode()
    assert "<progress" not in browser.get(page).content.decode()


def test_columns_that_can_not_be_told_are_asked_for(desk):
    """P12: what is needed and was not recognised is marked at its field; a treatment can be chosen for all rows."""
    browser = desk.browser()
    raw = b"number,who,cell,consent_sms_aftercare\nC-1,Ann,(212) 555-0107,no\n"
    columns = browser.post("/imports", csv_file(raw))["Location"]
    form = browser.get(columns).context["form"]
    assert "number (C-1)" in dict(form.fields["external_id"].choices).values()
    chosen = {each.name: each.value() or "" for each in form}
    assert set(browser.post(columns, chosen).context["form"].errors) == {"external_id", "given_name"}
    twice = chosen | {"external_id": "number", "given_name": "number"}
    assert "takes one column of the file twice" in browser.post(columns, twice).content.decode()
    page = browser.post(columns, chosen | {"external_id": "number", "given_name": "who", "mobile": "cell"})["Location"]
    browser.post(f"{page}/look")
    assert browser.get(page).context["said"]["fates"]["quiet"] == 1


def test_a_file_that_is_no_table_is_refused_beside_its_field(desk):
    """P12: what is wrong and the mend; nothing is kept, not even of a file that is too large."""
    browser = desk.browser()
    for raw, why in ((b"\xff\xfe\xfd", "is not UTF-8"), (b"a,b\n", "has no rows"), (b"", "empty")):
        assert why in str(browser.post("/imports", csv_file(raw)).context["form"].errors), raw
    assert not ImportBatch.objects.exists()


def test_a_file_stays_in_memory_and_only_where_one_is_asked_for(desk, monkeypatch, tmp_path, settings):
    """P9: not a byte of it on the disk; too large it is not read at all; no other address takes a file."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "nowhere")  # writing there would fail
    browser = desk.browser()
    raw = table(row(1)) + b" " * 3_000_000
    assert browser.post("/imports", csv_file(raw)).status_code in (200, 302)
    monkeypatch.setattr(imports, "MOST", 1000)
    assert "Choose" in str(browser.post("/imports", csv_file(table(row(1)) + b" " * 2000)).context["form"].errors)
    seen = browser.post("/clients", csv_file(b"x"))
    assert not seen.wsgi_request.FILES


def test_an_upload_needs_the_token_of_its_form(desk):
    """P10: a page elsewhere cannot bring a file in the name of whoever is signed in."""
    browser = desk.browser(enforce_csrf_checks=True)
    assert browser.post("/imports", csv_file(table(row(1)))).status_code == 403
    assert not ImportBatch.objects.exists()
    token = browser.get("/imports").context["csrf_token"]
    assert browser.post("/imports", csv_file(table(row(1))) | {"csrfmiddlewaretoken": str(token)}).status_code == 302


def test_a_file_is_forgotten_by_a_press(desk):
    """P9: its rows are wiped at once, and nobody is enrolled."""
    browser, before = desk.browser(), many()
    page = brought(browser, table(row(1)))
    assert "Nothing of it took effect" in browser.post(f"{page}/drop", follow=True).content.decode()
    assert not ImportRow.objects.filter(cells_sealed__isnull=False).exists()
    assert "is dropped" in browser.post(f"{page}/confirm").content.decode()
    assert many() == before


def test_a_page_of_a_file_takes_at_most_twelve_queries(desk, django_assert_max_num_queries):
    """However many rows it has; a page shows a hundred of them."""
    browser = desk.browser()
    page = brought(browser, table(*(row(number) for number in range(10, 40))))
    for url in ("/imports", page, f"{page}/columns", f"{page}/confirm", f"{page}/drop", f"{page}/refused.csv"):
        with django_assert_max_num_queries(12):
            assert browser.get(url).status_code == 200
