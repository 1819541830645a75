"""Keys rotate while the house runs: everything opens as before, every STOP is found, and no key goes too early."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import transaction
from django.db.models import BinaryField
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from tests.actions.privacy.life import NEXT_DAY, binary_values, copy_of, lived
from tests.builders import ALICES_PHONE, NOW, SAM, alice, messages_of, standing_of, text_from
from tests.keys import key
from worker import rendering, sealed
from worker.actions.clients import search
from worker.actions.consent.desk_revoke import from_desk
from worker.actions.consent.unsubscribe import unsubscribe
from worker.actions.converse.checkin import answer_checkin
from worker.actions.converse.on_call import agree
from worker.actions.converse.thread import reply, take_up
from worker.actions.imports.stage import stage
from worker.actions.mail.reply import MailReply, mail_reply
from worker.actions.privacy.erase import erase
from worker.actions.privacy.rotate import rotate
from worker.actions.receive.reply import Reply
from worker.actions.receive.sms import take
from worker.models import ClientSearch, Event, Grant, Hold, Link, Message, Sender, StaffTask, Standing
from worker.models.client import SearchKind
from worker.models.sealed_columns import SEALED
from worker.reading.chain import faults
from worker.rules.refusal import Refusals

STRANGER = "+12125550199"


class Killed(Exception):
    """The process ends here."""


def quiet(_line):
    """Progress that nobody reads."""


def turn(**more):
    return rotate(now=NOW, tell=quiet, **more)


def heads():
    """Which keys seal anything."""
    hashes = {"ClientSearch.digest", "Standing.fingerprint", "Evidence.salt"}
    return {value[:4].hex() for where, value in binary_values() if where not in hashes}


def id_of(letter):
    return sealed.key_id(letter.encode() * 32)


def of(rotation, letter):
    """What the run says of the key made of that letter."""
    return next(each for each in rotation.keys if each.key_id == id_of(letter))


def with_credentials(house):
    own = sealed.seal_json(["a-token"], "sender.credentials")
    Sender.objects.filter(clinic=house.lakeside, channel="sms").update(credentials_sealed=own)


def with_conversation(house, client):
    """What a person wrote to her, what she tapped, who is called, and a file that waits."""
    agree(clinic=house.lakeside, by=SAM, address="+12125550191", affirmed=True, now=NEXT_DAY)
    link = Link.objects.get(client=client)
    asked = rendering.version(link.version.document).source.step("day-1").questions
    answer_checkin(link_id=link.pk, step_code="day-1", answers=dict.fromkeys(asked, "no"), now=NEXT_DAY)
    stage(clinic=house.lakeside, by=SAM, raw=b"external_id,given_name\n1,Ann\n", now=NEXT_DAY)
    thread = take_up(clinic=house.lakeside, client_id=client.pk, by=SAM, now=NEXT_DAY)
    reply(
        clinic=house.lakeside, conversation_id=thread.pk, words="Please call us.", by=SAM, key="k", now=NEXT_DAY,
        no_stop=True,
    )  # fmt: skip


def test_every_sealed_column_is_known():
    """A column that rotation, erasure or the docs forgot would stay under the old key for ever (rule 61)."""
    binary = {
        (model, field.name)
        for model in apps.get_app_config("aftercare").get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, BinaryField) and "sealed" in field.name
    }
    assert {(column.model, column.name) for column in SEALED} == binary


def test_everything_opens_under_the_new_key_alone(house, keys):
    """After one run the old key may be dropped, and nothing that was readable is lost (P9, rule 61)."""
    with_credentials(house)
    client = lived(house, holder={"name": "Mia Moreau", "relationship": "mother"}).client
    text_from(house.lakeside, STRANGER, "STOP", now=NOW)  # an answer to a number that no client has
    waits = Reply(
        clinic_id=house.lakeside.pk, provider_id="SMwaits", address=STRANGER, body="STOP", opt_out_type="",
        provider_answers=False,
    )  # fmt: skip
    take(waits, now=NOW)
    with_conversation(house, client)
    before = copy_of(client)
    assert heads() == {id_of("f")}
    keys(field="nf")
    done = turn()
    assert done.ok
    assert {name for name, count in done.resealed.items() if count} == {str(column) for column in SEALED}
    assert heads() == {id_of("n")}
    assert of(done, "f").may_be_dropped
    assert not of(done, "n").may_be_dropped
    keys(field="n")
    assert copy_of(client) == before
    assert sealed.unseal_json(
        Sender.objects.get(channel="sms", clinic=house.lakeside).credentials_sealed, "sender.credentials"
    ) == ["a-token"]


@hypothesis(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.integers(1, 9), dies_after=st.integers(0, 40))
def test_killed_anywhere_it_goes_on_where_it_was(house, keys, batch, dies_after):
    """Whatever batch it was killed after, nothing is lost, and the next run does the rest (P11, rule 61)."""
    keys(field="f", prints="p")
    if not Grant.objects.exists():
        lived(house)
    client = Grant.objects.first().client
    before = copy_of(client)
    told = []

    def dies(line):
        told.append(line)
        if len(told) > dies_after:
            raise Killed

    keys(field="nf", prints="qp")
    try:
        rotate(batch=batch, now=NOW, tell=dies)
    except Killed:
        assert copy_of(client) == before
    assert turn(batch=batch).ok
    keys(field="n", prints="q")
    after = copy_of(client)
    assert after == before
    keys(field="fn", prints="pq")  # and back again, for the next example
    assert turn().ok
    assert heads() == {id_of("f")}


@hypothesis(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_stop_and_an_erasure_between_any_two_batches(house, keys, data):
    """Whatever comes in while a rotation runs is obeyed, and the rotation brings nothing erased back (P2, rule 62)."""
    keys(field="f", prints="p")
    undo = transaction.savepoint()
    leaving, stopping = lived(house).client, alice(external_id="A-2", phone=STRANGER, email="zoe@example.com").client
    steps = {
        data.draw(st.integers(1, 25), label="erase at"): lambda: erase(client_id=leaving.pk, by=SAM, now=NOW),
        data.draw(st.integers(26, 45), label="stop at"): lambda: text_from(house.lakeside, STRANGER, "STOP"),
    }
    told = []

    def between(line):
        told.append(line)
        steps.pop(len(told), str)()

    keys(field="nf", prints="qp")
    assert rotate(batch=1, now=NOW, tell=between).ok
    for late in steps.values():
        late()
    said = copy_of(leaving)
    assert said["client"]["name"] is None
    assert not leaving.search.exists()
    assert {each["address"] for each in said["contacts"]} == {None}
    assert standing_of(stopping).suppressed_why == "keyword"
    assert {grant.state for grant in Grant.objects.filter(standing=standing_of(stopping))} == {"revoked"}
    assert Standing.objects.count() == 4
    assert heads() == {id_of("n")}
    assert faults() == []
    transaction.savepoint_rollback(undo)


def test_a_second_run_has_nothing_to_do(house, keys):
    """What is under the newest key is passed over; a run that changed nothing is not put on record."""
    lived(house)
    keys(field="nf", prints="qp")
    turn()
    noted = Event.objects.filter(kind="keys_rotated").count()
    again = turn()
    assert (again.resealed, again.rekeyed, again.reindexed) == ({}, 0, 0)
    assert noted == Event.objects.filter(kind="keys_rotated").count() == 1


def test_a_lost_key_is_named_and_its_values_stay(house, keys):
    """Without its key a value can't be turned: it is left as it is, and the run names the key, the row and the mend."""
    client = lived(house).client
    before = copy_of(client)
    keys(field="n")
    done = turn()
    assert not done.ok
    assert done.resealed.keys() >= {"client.name_sealed"}
    assert sum(done.resealed.values()) == 0
    assert done.unreadable > 10
    assert f"client.name_sealed {client.pk}" in done.examples
    assert (of(done, "f").missing, of(done, "f").may_be_dropped) == (True, False)
    assert "put it back at the end of FIELD_KEYS" in of(done, "f").says
    keys(field="nf")
    assert turn().ok
    assert copy_of(client) == before


def test_an_address_we_hold_moves_to_the_new_fingerprint(house, keys):
    """Standing and search follow; then the old key is needed by nobody (rule 61)."""
    client = lived(house).client
    keys(prints="qp")
    done = turn()
    assert done.rekeyed == 2
    assert done.reindexed == 1
    assert of(done, "p").may_be_dropped
    keys(prints="q")
    row = standing_of(client)
    text_from(house.lakeside, ALICES_PHONE, "STOP")
    row.refresh_from_db()
    assert row.suppressed_at is not None
    assert Standing.objects.count() == 2
    wanted = {
        (kind, sealed.fingerprint(client.clinic_id, f"search.{kind}", said).digest)
        for kind, said in search.tokens_of("Alice Moreau", ALICES_PHONE, "alice@example.com")
    }
    assert {(SearchKind(each.kind), bytes(each.digest)) for each in ClientSearch.objects.all()} == wanted


def test_a_mailbox_is_found_again_whatever_its_capitals(house, keys):
    """Mail goes to the address as given, the fingerprint is of the folded one: that is what must be re-keyed."""
    client = alice(email="Alice.Moreau@Example.com").client
    keys(prints="qp")
    assert turn().rekeyed == 2
    folded = sealed.fingerprint(client.clinic_id, "email", "alice.moreau@example.com")
    assert bytes(standing_of(client, "email").fingerprint) == folded.digest


def test_a_stop_whose_address_is_gone_keeps_its_key(house, keys):
    """An erased client's stop can't be re-keyed: the run says its key must stay, and the stop is obeyed (rule 62)."""
    client = lived(house).client
    text_from(house.lakeside, ALICES_PHONE, "STOP")
    erase(client_id=client.pk, by="okafor@lakeside.example", now=NOW)
    keys(prints="qp")
    done = turn()
    assert done.ok
    old = of(done, "p")
    assert not old.may_be_dropped
    assert old.says.startswith("must stay: 1 suppression(s) and 1 other address(es) use it")
    with pytest.raises(Refusals, match="may not be written to"):
        alice(external_id="A-2")
    keys(prints="q")
    gone = turn()
    assert not gone.ok
    assert of(gone, "p").missing
    assert "1 suppression(s)" in of(gone, "p").says


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_stop_finds_its_row_before_and_after(house, keys, when):
    """Look-ups try all keys: a STOP that comes just before or just after re-keying ends the same row (P2)."""
    client = alice().client
    keys(prints="qp")
    if when == "before":
        text_from(house.lakeside, ALICES_PHONE, "STOP")
    turn()
    if when == "after":
        text_from(house.lakeside, ALICES_PHONE, "STOP")
    assert standing_of(client).suppressed_at is not None
    assert Standing.objects.filter(clinic=house.lakeside, channel="sms").count() == 1
    assert faults() == []


def test_two_rows_of_one_address_end_in_one_stop(house, keys):
    """A process that knew only the new key wrote a second row: a stop of either becomes a stop of both (P2)."""
    client = alice().client
    keys(prints="q")
    text_from(house.lakeside, ALICES_PHONE, "STOP")
    assert standing_of(client).suppressed_at is None
    keys(prints="qp")
    turn()
    row = standing_of(client)
    assert row.suppressed_why == "keyword"
    assert {grant.state for grant in Grant.objects.filter(standing=row)} == {"revoked"}
    assert faults() == []


def test_two_rows_without_a_stop_are_put_before_staff(house, keys):
    """In doubt, nothing is sent: the row that look-ups no longer find is held, once (rule 17)."""
    keys(prints="q")
    text_from(house.lakeside, ALICES_PHONE, "thanks")
    keys(prints="p")
    client = alice().client
    keys(prints="qp")
    before = Hold.objects.count()
    turn()
    turn()
    assert standing_of(client).held_why == "address_twice"
    assert Hold.objects.count() == before + 1
    assert StaffTask.objects.filter(kind="address_twice").count() == 1


def _twice(keys):
    """Alice and her sister on the same addresses, each of which has two rows: the processes' key lists differed."""
    first = alice().client
    keys(prints="q")
    second = alice(external_id="A-2", name="Zoe Moreau").client
    keys(prints="qp")
    assert standing_of(first).pk != standing_of(second).pk
    return first, second


def _silent(*clients, channel="sms"):
    return [standing_of(each, channel).suppressed_at is not None for each in clients]


@pytest.mark.parametrize("words", ["STOP", "stop all contact"])
def test_a_stop_by_text_ends_every_row_of_the_phone(house, keys, words):
    """P2: whichever row a text was planned on, it does not go; one confirmation leaves."""
    both = _twice(keys)
    text_from(house.lakeside, ALICES_PHONE, words, now=NOW)
    assert _silent(*both) == [True, True]
    assert {each.state for each in messages_of(both[1], channel="sms")} == {"cancelled"}
    assert Message.objects.filter(kind="stop_confirmation").count() == 1
    assert faults() == []


def test_a_stop_by_link_ends_every_row_of_the_mailbox(house, keys):
    """P2, rule 109: one click, from either's mail."""
    both = _twice(keys)
    unsubscribe(link_key=both[1].contacts.get(channel="email").link_key, method="one_click", now=NOW)
    assert _silent(*both, channel="email") == [True, True]


def test_a_stop_by_mail_ends_every_row_of_the_mailbox(house, keys):
    """P2, rule 124: two rows are one mailbox, and it is confirmed once."""
    both = _twice(keys)
    mail = MailReply(
        key="a" * 64, sender="alice@example.com", clinics=(house.lakeside.pk,), named=None, by_link=False,
        subject="", words="STOP", unread=False, received_at=NOW,
    )  # fmt: skip
    mail_reply(mail, now=NOW)
    assert _silent(*both, channel="email") == [True, True]
    assert Message.objects.filter(kind="stop_confirmation").count() == 1


@pytest.mark.parametrize("whom", ["address", "client"])
def test_a_stop_at_the_desk_ends_every_row_of_the_phone(house, keys, whom):
    """P2, rule 27: by the number or by the client, what she shares is silent for both."""
    both = _twice(keys)
    phone, pk = (ALICES_PHONE, None) if whom == "address" else ("", both[1].pk)
    from_desk(
        clinic_slug="lakeside", phone=phone, email="", client_id=pk, reason="she called", received_at=None, now=NOW
    )
    assert _silent(*both) == [True, True]


def test_a_row_made_of_another_address_is_left_alone(house, keys):
    """Only the address that the fingerprint was made of may replace it: a mistake there would forget a stop."""
    client = alice().client
    row = standing_of(client)
    client.contacts.filter(channel="sms").update(address_sealed=sealed.seal(STRANGER, "contact.address"))
    keys(prints="qp")
    assert turn().rekeyed == 1  # the mailbox
    assert bytes(standing_of(client).fingerprint) == bytes(row.fingerprint)


@pytest.mark.parametrize("batch", [0, -1, 2001])
def test_a_batch_of_no_useful_size_is_refused(db, batch):
    """The refusal names the field and the mend (P12)."""
    with pytest.raises(Refusals, match="batch: is no useful size; between 1 and 2000"):
        turn(batch=batch)


def test_keys_are_told_apart_by_harmless_ids():
    """The id of a key in what is printed gives nothing of the key away."""
    assert id_of("f") not in key("f")
    assert len(id_of("f")) == 8
