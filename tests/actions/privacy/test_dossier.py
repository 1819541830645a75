"""A consent dossier: whole, hers alone, on record, and readable by whoever has to judge it (P8, rules 2, 67)."""

from __future__ import annotations

import json
import re
import stat
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from tests.actions.privacy.life import NEXT_DAY, lived
from tests.builders import ALICES_PHONE, CHARLIE, NOW, OKAFOR, SAM, alice, bob, counts, text_from
from worker.actions.privacy.dossier import dossier
from worker.actions.privacy.erase import erase
from worker.actions.record.heads import publish_all
from worker.management.cli import main
from worker.models import Client, Event, Seal, Staff, Wording
from worker.reading.chain import faults
from worker.reading.dossier import page
from worker.rules.refusal import Refusals

LATER = NEXT_DAY + timedelta(hours=2)


def made(client, *, now=LATER, **how):
    """The dossier as its reader gets it: through JSON and back."""
    return json.loads(json.dumps(dossier(client_id=client.pk, by="", now=now, **how).said))


@pytest.fixture
def stopped(house):
    """Alice with a life behind her, who said stop by text."""
    client = lived(house, phone="(212) 555-0123").client
    publish_all(now=NEXT_DAY)
    text_from(house.lakeside, ALICES_PHONE, "Stop, please!", now=LATER)
    return client


def test_it_is_whole(stopped):
    """Rule 2: address as given, words with version and hash, how, when with zone, who, evidence, the quoted reply."""
    said = made(stopped)
    phone = said["addresses"][0]
    assert (phone["as_given"], phone["normalised"], phone["whose"]) == ("(212) 555-0123", ALICES_PHONE, "client")
    given = [each for each in said["consents"] if each["row"]["act"] == "given"]
    words = Wording.objects.get(code="service", version=1, language="en", clinic__isnull=True)
    assert {(each["wording"]["text"], each["wording"]["sha256"]) for each in given} == {(words.text, words.sha256)}
    assert {(each["row"]["channel"], each["row"]["purpose"]) for each in given} == {
        ("sms", "aftercare"), ("sms", "reminders"), ("email", "aftercare"), ("email", "reminders"),
    }  # fmt: skip
    one = given[0]
    assert (one["row"]["method"], one["row"]["zone"]) == ("paper", "America/New_York")
    assert one["local_time"] == "2027-01-12T08:00:00-05:00"
    assert said["staff"][one["row"]["recorded_by"]] == Staff.objects.get(email=SAM).name
    assert one["evidence"]["said"]["as_written"] == "(212) 555-0123"
    ended = [each for each in said["consents"] if each["row"]["act"] == "revoked"]
    assert {each["evidence"]["said"]["body"] for each in ended} == {"Stop, please!"}
    agreed = [each for each in said["standing"] if each["consent"] != "never given"]
    assert {(each["channel"], each["may_be_sent"]) for each in agreed} == {("sms", False), ("email", True)}
    assert [each["reason"] for each in said["suppressions"]] == ["keyword"]


def test_what_was_sent_has_its_acceptance_and_its_approval(stopped):
    """P3, rule 6: the opt-in message and what the provider said to it; who approved the text, with the licence."""
    said = made(stopped)
    optins = [each for each in said["messages"] if each["kind"] == "optin_confirmation"]
    optin = next(each for each in optins if each["channel"] == "sms")
    assert optin["attempts"][0]["state"] == "accepted"
    assert optin["attempts"][0]["provider_id"].startswith("SM")
    assert [each["status"] for each in optin["attempts"][0]["receipts"]] == ["delivered"]
    approvals = [each["row"] for each in said["record"] if each["row"]["kind"] == "approved"]
    assert {each["facts"]["sha256"] for each in approvals} == {optin["version_sha256"]}
    practitioner = Staff.objects.get(email=OKAFOR)
    assert said["staff"][approvals[0]["actor"]] == f"{practitioner.name}, licence {practitioner.licence}"
    assert "text" not in optin["attempts"][0]
    told = made(stopped, bodies=True)["messages"]
    assert all(attempt["text"] for each in told for attempt in each["attempts"])


def test_making_one_is_on_record_and_in_it(stopped):
    """Rule 67: who and when, sealed, with counts; it is the last row that the dossier proves."""
    said = json.loads(json.dumps(dossier(client_id=stopped.pk, by=SAM, now=LATER).said))
    note = Event.objects.get(kind="dossier")
    assert note.actor == said["made_by"] == f"staff:{Staff.objects.get(email=SAM).pk}"
    assert said["record"][-1]["row"]["id"] == note.pk
    assert Seal.objects.filter(table="event", row_id=note.pk).exists()
    assert faults() == []


def test_the_proof_is_short(stopped):
    """Links lead from each row to the next published head only, not through the clinic's whole history."""
    publish_all(now=LATER)
    for number in range(30):
        alice(external_id=f"N-{number}", phone=f"+1213555010{number % 10}", email=f"n{number}@example.com", now=LATER)
    publish_all(now=LATER)
    said = made(stopped, now=LATER + timedelta(hours=1))
    links = sum(len(each["links"]) for each in said["chain"])
    rows = len(said["consents"]) + len(said["record"])
    assert rows <= links < Seal.objects.filter(clinic_id=stopped.clinic_id).count() - 60


def test_bob_is_nowhere_in_it(house, stopped):
    """P10: another person's name, number, consents and messages are in nobody else's dossier."""
    friend = bob().client
    said = json.dumps(made(stopped))
    assert "Lindqvist" not in said
    assert "5550177" not in said
    assert "Moreau" not in json.dumps(made(friend))


def test_a_shared_phone_shows_nothing_of_the_other(house):
    """Rule 134: her sister's acts on the same phone stay out, and so does the record of the shared address."""
    client = lived(house).client
    sister = alice(external_id="A-2", name="Zoe Moreau", email="zoe@example.com", now=NEXT_DAY).client
    text_from(house.lakeside, ALICES_PHONE, "STOP", now=LATER)
    for one, other in ((client, "Zoe"), (sister, "Alice")):
        said = made(one)
        assert {each["row"]["client_id"] for each in said["consents"]} == {one.pk}
        assert "revoked" in {each["row"]["act"] for each in said["consents"]}
        assert not any(each["row"]["subject"].startswith("standing:") for each in said["record"])
        assert other not in json.dumps(said)


def test_a_strangers_stop_from_her_number_is_there_without_its_words(house):
    """Rule 34: it came before anybody knew whose number it was; its commitment is there, its words are not."""
    text_from(house.hillside, "+12125550188", "STOP, this is my number", now=NOW)
    client = bob(phone="+12125550188", consents=[("email", "aftercare")], now=NEXT_DAY).client
    said = made(client)
    assert [each["evidence"] for each in said["consents"] if each["row"]["client_id"] is None] == [
        {"state": "withheld"}
    ] * 3
    assert "this is my number" not in json.dumps(said)


def test_an_erased_clients_dossier_still_stands(stopped):
    """Rule 62: the commitments stay, the evidence says erased, and nobody is named."""
    erase(client_id=stopped.pk, by=SAM, now=LATER)
    said = made(Client.objects.get(pk=stopped.pk), now=LATER + timedelta(hours=1))
    assert {each["evidence"]["state"] for each in said["consents"]} == {"erased", "none"}
    assert said["client"]["name"] is None
    assert "Moreau" not in json.dumps(said)
    assert "5550123" not in json.dumps(said)
    assert "erased on request" in page(said)


def test_without_the_heads_file_the_newest_head_proves_all(stopped, settings, tmp_path):
    """P11: the dossier says nothing less; that its head was not kept is told to whoever makes it."""
    (tmp_path / "way").write_text("in the way")
    settings.HEADS_FILE = str(tmp_path / "way" / "heads.jsonl")
    answer = dossier(client_id=stopped.pk, by="", now=LATER)
    assert not answer.kept
    assert len(answer.said["chain"]) == 1


def test_a_record_that_does_not_hold_gives_no_dossier(house, stopped, unguarded):
    """P8: a file that fails every check would be worse than none; the mend names the verb."""
    seal = Seal.objects.filter(clinic_id=house.lakeside.pk).order_by("number")[5]
    Seal.objects.filter(pk=seal.pk).update(row_sha256="0" * 64)
    with pytest.raises(Refusals, match="record: does not hold against its published heads; run: aftercare verify"):
        made(stopped)


def test_a_lost_key_and_strangers_are_refused(house, stopped, keys):
    """P10, P12: nothing is put on record then."""
    before = counts()
    for client_id, by in ((4711, ""), (stopped.pk, CHARLIE)):
        with pytest.raises(Refusals):
            dossier(client_id=client_id, by=by, now=LATER)
    keys(field="n")
    with pytest.raises(Refusals, match="put the missing key back at the end of FIELD_KEYS"):
        made(stopped)
    assert counts() == before


class Outside(HTMLParser):
    """What a page would load or run."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [tag] if tag in ("script", "link", "img", "iframe", "object", "form") else []
        self.found += [name for name, _ in attrs if name in ("src", "href", "action", "style") or name.startswith("on")]


def test_the_page_stands_by_itself_and_says_it_all(stopped):
    """One file to print: nothing from elsewhere, every act, the words, the reply, and how to check it."""
    said = made(stopped)
    text = page(said)
    outside = Outside()
    outside.feed(text)
    assert outside.found == []
    assert "url(" not in text
    assert not re.search(r"\{\{|\{%|None", text)
    words = "I agree that the clinic named on this form sends me messages"
    when = "12 January 2027, 08:00:00 (UTC-05:00)"
    parts = ("Alice Moreau", "(212) 555-0123", words, "Stop, please!", "said stop", when, "licence", said["signature"])
    for part in (*parts, *said["keys"].values()):
        assert part in text, part


def test_the_page_shows_what_people_wrote_and_runs_none_of_it(house):
    """P10: names and replies are text, whatever they hold."""
    client = alice(name="<script>alert(1)</script> Moreau").client
    text_from(house.lakeside, ALICES_PHONE, 'STOP <img src=x onerror="alert(1)">', now=LATER)
    outside = Outside()
    outside.feed(page(made(client)))
    assert outside.found == []


def test_the_verb_writes_two_files_or_none(stopped, settings, tmp_path, capfd):
    """P12: mode 0600, nothing overwritten, nothing left behind by a refusal."""
    settings.CALENDAR_FILE = ""
    out, html = tmp_path / "alice.json", tmp_path / "alice.html"
    assert main(["dossier", str(stopped.pk), "--out", str(out), "--html", str(html), "--by", SAM]) == 0
    assert {stat.S_IMODE(each.stat().st_mode) for each in (out, html)} == {0o600}
    assert json.loads(out.read_text(encoding="utf-8"))["client"]["name"] == "Alice Moreau"
    assert "Moreau" in html.read_text(encoding="utf-8")
    assert "Moreau" not in capfd.readouterr().out
    fresh = tmp_path / "new.json"
    assert main(["dossier", str(stopped.pk), "--out", str(fresh), "--html", str(html)]) == 1
    assert capfd.readouterr().err.startswith("html: is there already")
    assert main(["dossier", "4711", "--out", str(fresh)]) == 1
    assert not fresh.exists()
    assert main(["dossier", str(stopped.pk)]) == 0
    assert json.loads(capfd.readouterr().out)["client"]["id"] == stopped.pk
