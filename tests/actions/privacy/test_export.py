"""One client's whole copy: complete, hers alone, never with gaps, and on record (rule 67, GDPR 15 and 20)."""

from __future__ import annotations

import json

import pytest

from tests.actions.privacy.life import NEXT_DAY, SAYS, lived
from tests.builders import ALICES_PHONE, CHARLIE, NOW, SAM, alice, bob, counts, message, text_from
from worker import sealed
from worker.actions.privacy.erase import erase
from worker.actions.privacy.export import export
from worker.models import Client, Event, Seal, Staff, Wording
from worker.reading.chain import faults
from worker.rules.refusal import Refusals


def exported(client, *, by="", now=NEXT_DAY):
    """The copy as its reader gets it: through JSON and back."""
    return json.loads(json.dumps(export(client_id=client.pk, by=by, now=now)))


def test_the_copy_is_whole(house):
    """Name, addresses as kept and as written, each consent with its exact words, each text as sent, what came back."""
    life = lived(house, phone="(212) 555-0123")
    said = exported(life.client)
    assert said["client"]["name"] == "Alice Moreau"
    phone = next(each for each in said["contacts"] if each["channel"] == "sms")
    assert (phone["address"], phone["as_written"]) == (ALICES_PHONE, "(212) 555-0123")
    words = Wording.objects.get(code="service", version=1, language="en", clinic__isnull=True).text
    assert [act["wording"]["text"] for act in said["consents"]] == [words] * 4
    assert {act["evidence"]["address"] for act in said["consents"]} == {ALICES_PHONE, "alice@example.com"}
    texts = [try_["text"] for each in said["messages"] if each["channel"] == "sms" for try_ in each["attempts"]]
    assert texts == [out.body for out in life.provider.taken if hasattr(out, "body")]
    mails = [try_["subject"] for each in said["messages"] if each["channel"] == "email" for try_ in each["attempts"]]
    assert mails == [out.subject for out in life.provider.taken if hasattr(out, "subject")]
    raws = [back["raw"]["To"] for each in said["messages"] for try_ in each["attempts"] for back in try_["receipts"]]
    assert raws
    assert [each["text"] for each in said["replies"]] == [SAYS]
    assert [each["external_id"] for each in said["appointments"]] == ["V-1"]
    assert said["treatments"][0]["protocol"] == "microneedling-stretch-marks"
    assert said["tasks"]
    assert {"enrolled", "decision"} <= {each["kind"] for each in said["events"]}


def test_taking_it_out_is_on_record(house):
    """Who took a copy and when is sealed in the chain, with counts and nothing personal (rules 67, 142)."""
    client = lived(house).client
    exported(client, by=SAM)
    exported(client)
    notes = Event.objects.filter(kind="exported", subject=f"client:{client.pk}").order_by("pk")
    assert [note.actor for note in notes] == [f"staff:{Staff.objects.get(email=SAM).pk}", "command"]
    assert notes[0].facts["messages"] == client.messages.count()
    assert Seal.objects.filter(table="event", row_id__in=notes.values("pk")).count() == 2
    assert faults() == []


def test_bob_is_nowhere_in_it(house):
    """Another person's name, number and messages are not in her copy (P10)."""
    client = lived(house).client
    friend = bob().client
    said = json.dumps(exported(client))
    assert "Lindqvist" not in said
    assert "5550177" not in said
    assert {each["id"] for each in exported(client)["messages"]} == set(client.messages.values_list("pk", flat=True))
    assert "Moreau" not in json.dumps(exported(friend))


def test_replies_from_a_shared_phone_are_left_out(house):
    """Nobody can tell whose words they are: that there were some is said, what they say is not (GDPR 15(4))."""
    client = lived(house).client
    sister = alice(external_id="A-2", name="Zoe Moreau", email="zoe@example.com", now=NEXT_DAY).client
    text_from(house.lakeside, ALICES_PHONE, SAYS, now=NEXT_DAY)
    for copy in (exported(client), exported(sister)):
        assert copy["replies"]
        assert {each["text"] for each in copy["replies"]} == {None}
        assert SAYS not in json.dumps(copy)
        assert not any(each["subject"].startswith("standing:") and "inbound" in str(each) for each in copy["events"])


def test_a_copy_with_gaps_is_refused(house, keys):
    """Without its key a name can't be read: refused with the mend, and no export is put on record (P12)."""
    client = lived(house).client
    keys(field="n")
    before = counts()
    with pytest.raises(Refusals, match="put the missing key back at the end of FIELD_KEYS"):
        exported(client)
    assert counts() == before


@pytest.mark.parametrize("by", [CHARLIE, "nobody@example.com"])
def test_staff_of_another_clinic_take_nothing_out(house, by):
    """Refused in the same words whoever is named (P10)."""
    client = lived(house).client
    with pytest.raises(Refusals, match="by: is no active"):
        exported(client, by=by)
    with pytest.raises(Refusals, match="client: is not known here"):
        export(client_id=4711, by="", now=NOW)


def test_an_erased_client_has_an_empty_copy(house):
    """What is left says when, and that she agreed once; it names nobody (rule 62)."""
    client = lived(house).client
    erase(client_id=client.pk, by=SAM, now=NEXT_DAY)
    said = exported(Client.objects.get(pk=client.pk))
    assert said["client"]["erased_at"] == NEXT_DAY.isoformat()
    assert said["client"]["name"] is None
    assert {act["act"] for act in said["consents"]} == {"given", "closed"}
    assert "Moreau" not in json.dumps(said)


def test_texts_that_retention_emptied_are_told_apart_from_none(house):
    """The hash of what was sent stays beside the empty text: a copy never claims that nothing was sent."""
    client = lived(house).client
    sent = message(client, "optin-confirmation").tries.get()
    text = sealed.unseal_json(sent.body_sealed, "attempt.body")["text"]
    client.messages.get(pk=sent.message_id).tries.update(body_sealed=None)
    found = next(each for each in exported(client)["messages"] if each["id"] == sent.message_id)
    assert text
    assert (found["attempts"][0]["text"], found["attempts"][0]["text_sha256"]) == (None, sent.body_sha256)
