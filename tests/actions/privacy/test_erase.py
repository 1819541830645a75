"""Erased is erased: nothing of her opens or leads to her, her stop is obeyed for ever, and the chain still holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client as Browser

from tests.actions.post import Provider, claimed, decided, round_of_post
from tests.actions.privacy.life import NEXT_DAY, SAYS, binary_values, copy_of, delivered, lived
from tests.builders import (
    ALICES_PHONE,
    CHARLIE,
    NOW,
    OKAFOR,
    SAM,
    alice,
    bob,
    client_file,
    counts,
    message,
    messages_of,
    standing_of,
    text_from,
)
from worker import tokens
from worker.actions.clients.contact import change_contact
from worker.actions.consent.hold import hold_standing
from worker.actions.converse.call_staff import escalate
from worker.actions.converse.thread import take_up
from worker.actions.privacy.erase import erase
from worker.actions.send.prepare import prepare
from worker.actions.send.record import record
from worker.actions.send.said import Said
from worker.channels.base import Accepted, TryLater
from worker.intake.contact import ContactFile
from worker.models import (
    Attempt,
    ConsentEvent,
    Conversation,
    Event,
    Grant,
    Inbound,
    Link,
    Receipt,
    Seal,
    StaffTask,
    Suppression,
)
from worker.reading.chain import faults
from worker.reading.thread import thread
from worker.rules.refusal import Refusals

LATER = NEXT_DAY + timedelta(hours=1)
SEALED_FOR_ALICE = {
    "Client.name_sealed", "Contact.address_sealed", "Contact.raw_sealed", "Contact.holder_sealed",
    "Attempt.body_sealed", "Receipt.raw_sealed", "Inbound.body_sealed", "Evidence.sealed", "Evidence.salt",
    "ClientSearch.digest",
}  # fmt: skip


def erased(client, *, by=OKAFOR, now=LATER):
    return erase(client_id=client.pk, by=by, now=now)


def kept_values():
    return {where for where, _ in binary_values()}


def test_nothing_of_her_is_left_and_nothing_of_others_is_touched(house):
    """No sealed value, salt or search hash of hers; Bob's copy is the same before and after (rule 62, GDPR 17)."""
    client = lived(house, holder={"name": "Mia Moreau", "relationship": "mother"}).client
    assert kept_values() == SEALED_FOR_ALICE | {"Standing.fingerprint"}
    friend = bob().client
    before = copy_of(friend)
    manifest = erased(client)
    assert copy_of(friend) == before
    mine = copy_of(client)
    assert mine["client"]["name"] is None
    assert {each["address"] for each in mine["contacts"]} == {None}
    assert {each["evidence"] for each in mine["consents"]} == {None}
    assert {each["text"] for each in mine["replies"]} == {None}
    assert {attempt["text"] for each in mine["messages"] for attempt in each["attempts"]} == {None}
    assert not client.search.exists()
    assert set(manifest.wiped) == {
        "evidence", "attempt.body", "receipt.raw", "inbound.body", "message.address",
        "staff.words", "checkin.answers", "import.row", "client", "contact", "search",
        "treatment.external_id", "appointment.external_id",
    }  # fmt: skip
    assert {name for name, count in manifest.wiped.items() if not count} == {
        "message.address", "staff.words", "checkin.answers", "import.row",
    }  # fmt: skip


def test_who_gave_no_address_takes_nobody_along(house):
    """A client without phone and mailbox has no replies and no consents: other people's stay as they are."""
    friend = lived(house).client
    before, values = copy_of(friend), kept_values()
    client = alice(external_id="A-2", consents=(), phone=None, email=None, now=NEXT_DAY).client
    manifest = erased(client)
    assert {name for name, count in manifest.wiped.items() if count} == {"client", "search", "treatment.external_id"}
    assert manifest.at_the_provider == []
    assert (copy_of(friend), kept_values()) == (before, values)


def test_the_clinics_own_numbers_go_as_well(house):
    """Her file number and visit ids would lead straight back to her; afterwards they may be used anew."""
    client = lived(house).client
    names = {client.external_id, *client.treatments.values_list("external_id", flat=True), "V-1"}
    erased(client)
    client.refresh_from_db()
    rows = [client, *client.treatments.all(), *client.appointments.all()]
    assert not names & {each.external_id for each in rows}
    assert client.intake_hash == ""
    again = alice(visit=NOW + timedelta(days=30), given_at=LATER, now=LATER)
    assert not again.repeated
    assert again.client.pk != client.pk


def test_the_chain_holds_and_the_proof_stays(house):
    """Consents are closed on the record, commitments stay, `verify` finds nothing, the erasure is sealed (rule 2)."""
    client = lived(house).client
    before = list(ConsentEvent.objects.filter(client_id=client.pk).values_list("pk", "commitment"))
    manifest = erased(client)
    acts = ConsentEvent.objects.filter(client_id=client.pk).order_by("pk")
    assert list(acts.values_list("pk", "commitment"))[: len(before)] == before
    assert all(commitment for _, commitment in before)
    closed = list(acts)[len(before) :]
    assert {(act.act, act.method, act.commitment) for act in closed} == {("closed", "erasure", "")}
    assert {(act.channel, act.purpose) for act in closed} == {
        (channel, purpose) for channel in ("sms", "email") for purpose in ("aftercare", "reminders")
    }
    assert {grant.state for grant in client.grants.all()} == {"revoked"}
    assert faults() == []
    note = Event.objects.get(kind="erased")
    assert (note.subject, note.facts["wiped"]) == (f"client:{client.pk}", manifest.wiped)
    assert Seal.objects.filter(table="event", row_id=note.pk).exists()
    assert manifest.kept["consent_events"] == len(before) + len(closed)


def test_nothing_more_is_sent(house):
    """What was planned is cancelled, tasks are closed, and months of rounds bring her nothing (P1)."""
    client = lived(house).client
    assert StaffTask.objects.filter(client=client, done_at__isnull=True).exists()
    planned = len(messages_of(client, state="planned"))
    manifest = erased(client)
    assert planned > 0
    assert manifest.ended == {"grants": 4, "messages": planned, "links": 1, "visits": 1, "tasks": 1, "conversations": 1}
    assert {each.reason for each in messages_of(client, state="cancelled")} == {"erased"}
    assert not StaffTask.objects.filter(client=client, done_at__isnull=True).exists()
    provider = Provider()
    for days in range(0, 60, 3):
        for channel in ("sms", "email"):
            round_of_post(LATER + timedelta(days=days), provider, channel=channel)
    assert provider.taken == []


def test_her_pages_are_gone(house):
    """A care page and the page behind a mail's link say that nothing is there, whoever holds them (rule 63)."""
    client = lived(house).client
    path = f"/c/{tokens.make('c', Link.objects.get(client=client).key)}"
    mail = f"/u/{tokens.make('u', client.contacts.get(channel='email').link_key)}"
    assert (Browser().get(path).status_code, Browser().get(mail).status_code) == (200, 200)
    erased(client)
    assert (Browser().get(path).status_code, Browser().get(mail).status_code) == (404, 404)
    assert Browser().post(mail, {"do": "everything"}).status_code == 404


def test_the_link_of_an_old_mail_still_ends_everything_there(house):
    """Rules 62, 109, P2: erased and enrolled anew, she gets mail again; the one click of a mail of before counts."""
    client = lived(house).client
    mail = f"/u/{tokens.make('u', client.contacts.get(channel='email').link_key)}"
    erased(client)
    again = alice(given_at=LATER, now=LATER).client
    assert standing_of(again, "email").suppressed_at is None
    assert Browser().post(mail, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert standing_of(again, "email").suppressed_at is not None
    assert faults() == []


def test_a_stop_outlives_her(house):
    """The suppression stays by keyed hash: the same number can't be enrolled for texts again (rule 62)."""
    client = lived(house).client
    text_from(house.lakeside, ALICES_PHONE, "STOP", now=LATER)
    manifest = erased(client)
    assert manifest.kept["suppressions"] == 1
    assert standing_row(client).suppressed_why == "keyword"
    with pytest.raises(Refusals, match="phone: may not be written to"):
        alice(now=LATER)


def test_without_a_stop_only_a_new_yes_counts(house):
    """No stop is made up; enrolled again she gets nothing by her old yes, and something by a new one (rule 62)."""
    client = lived(house).client
    erased(client)
    assert not Suppression.objects.exists()
    silent = alice(consents=(), external_id="A-2", now=LATER)
    assert silent.result.messages == []
    again = alice(external_id="A-3", given_at=LATER, now=LATER)
    assert again.result.messages
    assert Grant.objects.filter(client=client, state="active").count() == 0
    assert faults() == []


OLD_YES = {
    "phone": ("consents.0.given_at", "consents.1.given_at"), "email": ("consents.2.given_at", "consents.3.given_at"),
}  # fmt: skip


@pytest.mark.parametrize("kept", ["phone", "email"])
def test_a_yes_from_before_the_erasure_is_no_yes(house, kept):
    """P1, rule 62: the same form again, under whatever number and name, is refused with the day and the mend."""
    erased(lived(house).client)
    before = counts()
    other = {"phone": "+12125550188", "email": "other@example.com"}
    del other[kept]
    with pytest.raises(Refusals) as refused:
        alice(external_id="A-2", name="A. Moreau", now=LATER + timedelta(days=9), **other)
    assert [each.field for each in refused.value.faults] == list(OLD_YES[kept])
    assert {(each.problem, each.mend) for each in refused.value.faults} == {(
        "is older than the erasure of 13 January 2027, which ended every consent for this address",
        "ask her anew, and write when she said yes; or enrol without a consent",
    )}  # fmt: skip
    assert counts() == before


def test_a_yes_of_the_very_day_after_the_erasure_counts(house):
    """Rule 62: to the second, for she may come back the same afternoon; at the other clinic nothing ended."""
    client = lived(house).client
    erased(client)
    with pytest.raises(Refusals, match="is older than the erasure"):
        alice(external_id="A-2", given_at=LATER - timedelta(seconds=1), now=LATER)
    assert alice(external_id="A-2", given_at=LATER, now=LATER).result.messages
    assert bob(phone=ALICES_PHONE, now=LATER).result.messages


def test_an_old_yes_counts_under_no_newer_key_either(house, keys):
    """P1, rules 61, 62: her address is gone, so its fingerprint stays under the old key; both are looked up."""
    erased(lived(house).client)
    keys(prints="qp")
    with pytest.raises(Refusals, match="is older than the erasure"):
        alice(external_id="A-2", now=LATER)


def test_an_old_yes_does_not_count_for_another_clients_new_address_either(house):
    """P1, rules 8, 62: who moves to the number of somebody who was erased is asked about it after that."""
    erased(lived(house).client)
    friend = alice(external_id="A-2", phone="+12125550188", email="zoe@example.com", now=LATER).client
    consent = client_file(consents=(("sms", "aftercare"),))["consents"][0]
    asked = {"client_id": friend.pk, "now": LATER + timedelta(hours=1)}
    said = {"changed_by": SAM, "phone": ALICES_PHONE}
    with pytest.raises(Refusals, match=r"consents\.0\.given_at: is older than the erasure"):
        change_contact(file=ContactFile(**said, consents=[consent]), **asked)
    new = consent | {"given_at": LATER.isoformat()}
    assert change_contact(file=ContactFile(**said, consents=[new]), **asked).planned


def test_a_stop_after_erasure_is_obeyed(house):
    """Nobody is known at that number any more; its STOP still ends it, on the very same row (P2, rule 34)."""
    client = lived(house).client
    row = standing_row(client)
    erased(client)
    text_from(house.lakeside, ALICES_PHONE, "STOP", now=LATER)
    row.refresh_from_db()
    assert row.suppressed_at == LATER
    assert faults() == []


def standing_row(client):
    """The row behind her phone, also once the contact is over."""
    return client.contacts.get(channel="sms").standing


def test_twice_says_so_and_wipes_what_came_in_since(house):
    """Without anything new a second run changes nothing; of a late receipt only status and code stay (rule 62)."""
    client = lived(house).client
    first = erased(client)
    before = counts()
    same = erased(client, now=LATER + timedelta(days=1))
    assert (same.again, same.erased_at, sum(same.wiped.values()), same.ended) == (True, LATER, 0, {})
    assert counts() == before
    assert same.at_the_provider == first.at_the_provider
    assert next(same.lines()) == f"client {client.pk} was erased already on 13 January 2027 18:00 UTC"
    delivered(Attempt.objects.filter(channel="sms").first(), ALICES_PHONE, now=LATER, status="read")
    assert not Receipt.objects.filter(raw_sealed__isnull=False).exists()
    Receipt.objects.filter(status="read").update(raw_sealed=b"of a copy that was restored")
    assert erased(client).wiped["receipt.raw"] == 1
    assert not Receipt.objects.filter(raw_sealed__isnull=False).exists()
    assert faults() == []


@pytest.mark.parametrize(("by", "field"), [(CHARLIE, "by"), ("nobody@example.com", "by"), ("", "by")])
def test_only_her_own_clinic_may(house, by, field):
    """Charlie works elsewhere: refused in the same words as somebody unknown, and nothing has changed (P10, P12)."""
    client = lived(house).client
    before, mine = counts(), copy_of(client)
    with pytest.raises(Refusals) as refused:
        erased(client, by=by)
    assert [fault.field for fault in refused.value.faults] == [field]
    assert (counts(), copy_of(client)) == (before, mine)


def test_an_unknown_client_is_refused(house):
    """The refusal names the field (P12)."""
    with pytest.raises(Refusals, match="client: is not known here"):
        erase(client_id=4711, by=SAM, now=NOW)


def test_the_manifest_names_every_copy_at_the_provider(house, settings):
    """Every id the provider gave, out and in, each once, with the call that deletes it (rules 57, 63, GDPR 19)."""
    life = lived(house)
    manifest = erased(life.client)
    sms = set(Attempt.objects.filter(channel="sms").values_list("provider_id", flat=True))
    mail = set(Attempt.objects.filter(channel="email").values_list("provider_id", flat=True))
    replies = set(Inbound.objects.values_list("provider_id", flat=True))
    named = [(copy.id, copy.direction) for copy in manifest.at_the_provider]
    assert sorted(named) == sorted([(pk, "out") for pk in sms | mail] + [(pk, "in") for pk in replies])
    assert len(life.provider.taken) == len(sms | mail) == 4
    first = manifest.at_the_provider[0]
    url = f"{settings.TWILIO_API_URL}/2010-04-01/Accounts/{settings.TWILIO_ACCOUNT_SID}/Messages/{first.id}.json"
    assert (first.call, first.redact) == (f"DELETE {url}", f'POST {url} Body=""')


def test_the_mail_relay_is_named_without_its_password(house, settings):
    """EMAIL_URL holds a secret: of it only the kind is said (P9)."""
    settings.EMAIL_URL = "smtp://user:opensesame@mail.example:587"
    client = lived(house).client
    mails = [copy for copy in erased(client).at_the_provider if copy.provider != "twilio"]
    assert {copy.provider for copy in mails} == {"smtp"}
    assert not any("opensesame" in copy.call for copy in mails)


def test_a_family_shares_a_phone(house):
    """Her sister on that number keeps consents, evidence and messages; replies from it are wiped (rule 15)."""
    client = lived(house).client
    sister = alice(external_id="A-2", name="Zoe Moreau", email="zoe@example.com", now=NEXT_DAY).client
    manifest = erased(client)
    assert manifest.shared_with == 1
    assert {grant.state for grant in sister.grants.all()} == {"active"}
    assert {each["evidence"]["name"] for each in copy_of(sister)["consents"]} == {"Zoe Moreau"}
    assert {each.state for each in messages_of(sister)} == {"planned"}
    assert not Inbound.objects.filter(body_sealed__isnull=False).exists()
    assert faults() == []


RED = "it is bleeding and I have a fever"


def zoe():
    """Her sister, on the same phone."""
    return alice(external_id="A-2", name="Zoe Moreau", email="zoe@example.com", now=NOW).client


def test_a_warning_sign_on_a_shared_phone_outlives_the_one_who_is_erased(house):
    """P5, P9, rule 41: it may be her sister's, so it stays before staff under her name, its clock on, wordless."""
    client, sister = alice().client, zoe()
    text_from(house.lakeside, ALICES_PHONE, RED, now=NEXT_DAY)
    clock = Conversation.objects.get(client=client).answer_by
    erased(client)
    talk = Conversation.objects.get()
    assert (talk.client_id, talk.closed_at, talk.answer_by) == (sister.pk, None, clock)
    left = StaffTask.objects.filter(client=sister, done_at__isnull=True, facts__conversation=talk.pk)
    assert "red_flag_reply" in left.values_list("kind", flat=True)
    assert not StaffTask.objects.filter(client=client, done_at__isnull=True).exists()
    shown = thread(Conversation.objects.select_related("client", "standing", "taken_by").get())
    assert shown.name == "Zoe Moreau"
    assert not any("bleeding" in each.text for each in shown.said)
    assert standing_of(sister).held_at is not None
    assert escalate(now=clock) == 1


def test_who_has_a_conversation_of_her_own_takes_the_others_clock_over(house):
    """P5: at most one is open for each client, and the warning sign is answered in it."""
    client, sister = alice().client, zoe()
    text_from(house.lakeside, ALICES_PHONE, RED, now=NEXT_DAY)
    own = take_up(clinic=house.lakeside, client_id=sister.pk, by=SAM, now=NEXT_DAY)
    clock = Conversation.objects.get(client=client).answer_by
    erased(client)
    own.refresh_from_db()
    assert (own.answer_by, own.answered_at, own.holds) == (clock, None, True)
    assert Conversation.objects.get(client=client).closed_at == LATER
    assert StaffTask.objects.get(kind="red_flag_reply").facts["conversation"] == own.pk


def test_a_shared_phone_that_stays_on_hold_is_put_before_staff(house):
    """P5, rule 17: with the erased client's task gone nobody else would hear that her sister gets nothing."""
    client, sister = alice().client, zoe()
    hold_standing(standing_of(client), why="provider_review", source="", now=NEXT_DAY)
    erased(client)
    task = StaffTask.objects.get(kind="held_address")
    assert (task.client_id, task.done_at) == (sister.pk, None)


def test_a_number_that_changed_hands(house):
    """What its next owner writes is not hers: a second erasure leaves it alone."""
    client = lived(house).client
    erased(client)
    text_from(house.lakeside, ALICES_PHONE, SAYS, now=LATER + timedelta(days=9))
    assert erased(client, now=LATER + timedelta(days=10)).wiped["inbound.body"] == 0
    assert Inbound.objects.filter(body_sealed__isnull=False).count() == 1


def going(client):
    """One message of hers whose call is under way."""
    alls = decided(prepare(claimed(NOW), now=NOW), NOW)
    return next(each for each in alls if each.row["client_id"] == client.pk)


def test_a_call_under_way_comes_back_to_an_erased_client(house):
    """Its outcome is recorded, its text is gone, and the manifest says that one copy is still to come (P4)."""
    client = alice().client
    each = going(client)
    manifest = erased(client)
    assert manifest.in_flight == 1
    record([Said(each, Accepted("SM" + "a" * 32))], now=LATER)
    sent = message(client, "optin-confirmation")
    assert (sent.state, sent.tries.get().body_sealed) == ("accepted", None)
    assert [copy.id for copy in erased(client).at_the_provider] == ["SM" + "a" * 32]


def test_a_call_that_never_left_is_not_tried_again(house):
    """The provider was busy: planned again by the record, then withheld, for there is no address and no yes (P1)."""
    client = alice().client
    each = going(client)
    erased(client, now=NOW)
    record([Said(each, TryLater("429"))], now=NOW)
    provider = Provider()
    for minutes in range(0, 120, 10):
        round_of_post(NOW + timedelta(minutes=minutes), provider)
    assert provider.taken == []
    assert message(client, "optin-confirmation").state == "withheld"


def test_what_was_written_before_is_not_decided_after(house):
    """A worker has her text and number in hand; the erasure commits; the decision finds nothing to send (P2)."""
    client = alice().client
    batch = prepare(claimed(NOW), now=NOW)
    assert batch[0].to == ALICES_PHONE
    erased(client, now=NOW)
    assert decided(batch, NOW) == []
