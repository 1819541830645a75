"""Another phone or mailbox: the old consent closes, the new address needs its own (rules 8, 34)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW, standing_of, text_from
from worker import clock, sealed
from worker.actions.clients.contact import change_contact
from worker.actions.consent.hold import hold_standing
from worker.actions.consent.stale import reconfirm_all
from worker.actions.course.resend import resend
from worker.intake.contact import ContactFile
from worker.intake.shape import checked
from worker.management.cli import main
from worker.models import Attempt, ClientSearch, ConsentEvent, Contact, Grant, Message, StaffTask, Standing
from worker.models.attempt import MAY_HAVE_LEFT
from worker.reading.chain import faults
from worker.rules.refusal import Refusals

NEW, NEW_E164 = "(212) 555-0155", "+12125550155"
LATER = NOW + timedelta(days=2)


@pytest.fixture
def alice(house):
    """Alice, whose opt-in confirmations and first advice have gone."""
    client = builders.alice().client
    post.confirmed(NOW)
    post.round_of_post(NOW + timedelta(hours=2))
    return client


def agreed(channel="sms", *purposes, wording="service@1", **fields):
    given = {"affirmed": True, "method": "paper", "given_at": NOW.isoformat(), "wording": wording, **fields}
    return [{"channel": channel, "purpose": purpose, **given} for purpose in purposes or ("aftercare", "reminders")]


def change(client, *, now=LATER, **fields):
    file = checked(ContactFile, {"changed_by": builders.SAM, **fields})
    return change_contact(client_id=client.pk, file=file, now=now)


def live(client, channel="sms"):
    row = standing_of(client, channel)
    return dict(Grant.objects.filter(client=client, standing=row).values_list("purpose", "state"))


def test_the_old_number_closes_at_once(alice):
    """Rule 8: CLOSED on record, everything planned there cancelled, the address kept with its end."""
    old = standing_of(alice)
    done = change(alice, phone=NEW)
    assert done.closed == 2
    assert set(Grant.objects.filter(client=alice, standing=old).values_list("state", flat=True)) == {"revoked"}
    assert ConsentEvent.objects.filter(client_id=alice.pk, act="closed", method="contact_changed").count() == 2
    assert not Message.objects.filter(standing=old, state__in=("planned", "held")).exists()
    assert set(Message.objects.filter(standing=old, state="cancelled").values_list("reason", flat=True)) == {
        "contact_changed"
    }
    before, after = Contact.objects.filter(client=alice, channel="sms").order_by("pk")
    assert (before.valid_to, after.valid_from, after.valid_to) == (LATER, LATER, None)
    assert sealed.unseal(after.address_sealed, "contact.address") == NEW_E164
    assert builders.messages_of(alice, channel="email", state="planned")
    assert faults() == []


def test_the_new_number_is_silent_without_a_consent(alice):
    """P1, rule 8: a consent is for the number it was given for; staff are asked to get a new one."""
    done = change(alice, phone=NEW)
    assert (done.silent, done.asked, done.planned) == (["sms"], [], [])
    assert live(alice) == {}
    assert StaffTask.objects.filter(kind="ask_consent", client=alice).count() == 1
    for hours in range(1, 200, 8):
        assert post.round_of_post(LATER + timedelta(hours=hours)) == []


def test_with_a_new_consent_the_course_goes_on_there_and_nothing_doubles(alice):
    """Rules 6, 8, P4: the confirmation goes again, what was sent is not repeated, the rest goes to the new number."""
    sent = {each.step.code for each in builders.messages_of(alice, channel="sms", state="accepted")}
    waiting = builders.messages_of(alice, channel="sms", state="planned")
    planned = {each.step.code for each in waiting if each.expires_at > LATER}
    done = change(alice, phone=NEW, consents=agreed())
    assert live(alice) == {"aftercare": "active", "reminders": "active"}
    assert {each.step.code for each in done.planned} == planned | {"optin-confirmation"}
    assert "same-day" in sent
    provider = post.Provider()
    assert post.round_of_post(LATER, provider) == ["optin-confirmation"]
    for hours in range(1, 700, 9):
        post.round_of_post(LATER + timedelta(hours=hours), provider)
    assert {each.to for each in provider.taken} == {NEW_E164}
    rang = Attempt.objects.filter(message__client=alice, channel="sms", cls="course", state__in=MAY_HAVE_LEFT)
    steps = list(rang.values_list("message__step__code", flat=True))
    assert len(steps) == len(set(steps)) > 3
    assert faults() == []


EVENING = NOW + timedelta(hours=11)  # 21:00 in New York: an hour after closing


def due_and_not_gone(treated):
    """Alice, and her same-day text, which has not left; staff have nothing to do yet."""
    client = builders.alice(consents=builders.SERVICE[:2], treated=treated, now=treated).client
    post.confirmed(treated)
    return client, builders.message(client, "same-day")


def test_what_was_due_and_had_not_left_is_handed_over_where_no_opening_is_left(house):
    """P5: the wrong number is put right at 21:00, before what was due at 19:45 had left; it is of use until eight."""
    client, row = due_and_not_gone(EVENING - timedelta(hours=2))
    assert row.due_at == EVENING - timedelta(minutes=75)
    change(client, phone=NEW, consents=agreed(given_at=EVENING.isoformat()), now=EVENING)
    row.refresh_from_db()
    assert (row.state, row.reason) == ("cancelled", "contact_changed")
    assert StaffTask.objects.get(kind="hand_over", client=client).facts["step"] == "same-day"
    assert builders.message(client, "same-day") == row


@pytest.mark.parametrize("silent_first", [False, True])
def test_what_was_due_and_had_not_left_goes_to_the_new_number(house, silent_first):
    """P4, P5: while it is open it is due there at once, once, also where her consent is written down a bit later."""
    client, row = due_and_not_gone(NOW + timedelta(hours=2))
    at = row.due_at + timedelta(minutes=3)
    if silent_first:
        change(client, phone=NEW, now=at)
    change(client, phone=NEW, consents=agreed(given_at=at.isoformat()), now=at)
    again = builders.message(client, "same-day")
    assert (again.state, again.due_at, again.standing) == ("planned", at, standing_of(client))
    assert not StaffTask.objects.filter(kind="hand_over").exists()
    went = [step for minutes in (0, 3, 6, 9) for step in post.round_of_post(at + timedelta(minutes=minutes))]
    assert went == ["optin-confirmation", "same-day"]
    change(client, phone=ALICES_PHONE, consents=agreed(given_at=at.isoformat()), now=at + timedelta(minutes=10))
    assert builders.message(client, "same-day") == again


def test_what_a_person_sent_again_comes_along(alice):
    """P5: no plan brings it, so it goes to the new number under its next number; a second change takes it on once."""
    row = builders.message(alice, "day-3")
    Message.objects.filter(pk=row.pk).update(state="refused")
    resend(message_id=row.pk, by="staff:1", now=LATER)
    for number in (NEW, "(212) 555-0156"):
        change(alice, phone=number, consents=agreed())
    rows = Message.objects.filter(client=alice, channel="sms", step__code="day-3").order_by("resend")
    assert [(each.state, each.resend) for each in rows] == [
        ("refused", 0), ("cancelled", 1), ("cancelled", 2), ("planned", 3),
    ]  # fmt: skip


def test_where_the_clinic_asks_the_new_number_is_asked(alice, house):
    """Rules 7, 8: without a form, one question about what she had agreed to; her yes brings the course."""
    house.lakeside.double_opt_in = ["sms"]
    house.lakeside.save()
    done = change(alice, phone=NEW)
    assert (done.asked, done.silent) == (["sms"], [])
    assert live(alice) == {"aftercare": "pending", "reminders": "pending"}
    assert post.round_of_post(LATER) == ["optin-question"]
    text_from(house.lakeside, ALICES_PHONE, "YES", now=LATER + timedelta(minutes=1))  # whoever has the old number now
    assert live(alice)["aftercare"] == "pending"
    text_from(house.lakeside, NEW_E164, "YES", now=LATER + timedelta(minutes=2))
    assert live(alice) == {"aftercare": "active", "reminders": "active"}
    assert post.round_of_post(LATER + timedelta(minutes=3)) == ["optin-confirmation"]
    assert builders.messages_of(alice, channel="sms", state="planned", standing=standing_of(alice))
    assert faults() == []


def test_a_number_that_said_stop_is_refused(alice, house):
    """Rule 34: with the day and why; and nothing changed."""
    text_from(house.lakeside, NEW_E164, "STOP", now=NOW)
    before = builders.counts()
    with pytest.raises(Refusals, match="phone: may not be written to since 12 January 2027"):
        change(alice, phone=NEW, consents=agreed())
    assert builders.counts() == before


def test_the_old_number_keeps_its_stop(alice, house):
    """Rules 30, 34: moving away lifts nothing; coming back to it is refused."""
    text_from(house.lakeside, ALICES_PHONE, "STOP", now=NOW)
    change(alice, phone=NEW, consents=agreed())
    assert live(alice)["aftercare"] == "active"
    with pytest.raises(Refusals, match="may not be written to"):
        change(alice, phone=ALICES_PHONE, consents=agreed(), now=LATER + timedelta(days=1))


def test_a_number_on_hold_stays_on_hold(alice, house):
    """Rule 17: staff are told that her new number waits for a look."""
    text_from(house.lakeside, NEW_E164, "?", now=NOW)
    change(alice, phone=NEW, consents=agreed())
    assert StaffTask.objects.filter(kind="held_address", client=alice).exists()
    assert post.round_of_post(LATER) == []


def test_a_shared_number_closes_for_her_alone(house):
    """Rule 134: the other client on that phone goes on as before."""
    alice = builders.alice().client
    mia = builders.alice(external_id="A-2", name="Mia Moreau", email="mia@example.com").client
    change(alice, phone=NEW)
    assert live(mia) == {"aftercare": "active", "reminders": "active"}
    assert builders.messages_of(mia, channel="sms", state="planned")


def test_she_is_found_by_the_new_number_and_not_by_the_old(alice):
    """Rule 129: the search keys follow."""
    kinds = {"phone": 1, "last4": 1, "email": 1}
    old = {bytes(each) for each in ClientSearch.objects.filter(client=alice).values_list("digest", flat=True)}
    change(alice, phone=NEW)
    rows = ClientSearch.objects.filter(client=alice)
    assert {kind: rows.filter(kind=kind).count() for kind in kinds} == kinds
    new = {bytes(each) for each in rows.values_list("digest", flat=True)}
    assert len(new - old) == len(old - new) == 2


def test_the_same_address_again_renews_its_consents(alice):
    """Rules 6, 9: after a long silence the same number is agreed to again; the confirmation goes again first."""
    row = Standing.objects.get(pk=standing_of(alice).pk)
    reconfirm_all(row, source="tests", now=NOW + timedelta(days=1))
    assert set(live(alice).values()) == {"needs_reconfirmation"}
    with pytest.raises(Refusals, match="phone: is the client's address already"):
        change(alice, phone=ALICES_PHONE)
    change(alice, phone=ALICES_PHONE, consents=agreed())
    assert live(alice) == {"aftercare": "active", "reminders": "active"}
    assert Contact.objects.filter(client=alice, channel="sms").count() == 1
    assert post.round_of_post(LATER) == ["optin-confirmation"]


def test_one_purpose_renewed_is_asked_about_beside_an_active_one(alice, house):
    """Rules 7, 9: what is active goes on; only the renewed consent waits for its own yes."""
    house.lakeside.double_opt_in = ["sms"]
    house.lakeside.save()
    change(alice, phone=ALICES_PHONE, consents=agreed("sms", "reminders"))
    assert live(alice) == {"aftercare": "active", "reminders": "pending"}
    assert "optin-question" in post.round_of_post(LATER)
    text_from(house.lakeside, ALICES_PHONE, "YES", now=LATER + timedelta(minutes=1))
    assert live(alice) == {"aftercare": "active", "reminders": "active"}
    assert faults() == []


def test_the_mailbox_changes_like_the_phone(alice):
    """Rule 8: the other channel is not touched."""
    done = change(alice, email="alice.moreau@example.com", consents=agreed("email", "aftercare"))
    assert live(alice, "email") == {"aftercare": "active"}
    assert live(alice)["aftercare"] == "active"
    assert {each.channel for each in done.planned} == {"email"}


REFUSED = [
    ({"phone": NEW, "changed_by": builders.CHARLIE}, "changed_by"),
    ({"phone": "12"}, "phone"),
    ({"phone": "+44 20 7946 0958"}, "phone"),
    ({"email": "no mailbox"}, "email"),
    ({}, "file"),
    ({"phone": NEW, "consents": agreed("email")}, "file"),
    ({"phone": NEW, "consents": agreed(wording="nothing@1")}, "consents.0.wording"),
    ({"phone": NEW, "consents": agreed(given_at=(LATER + timedelta(days=1)).isoformat())}, "consents.0.given_at"),
    ({"phone": NEW, "consents": agreed("sms", "marketing")}, "consents.0.wording"),
    ({"phone": NEW, "holder": {"name": "Ines Duval"}}, "holder.relationship"),
    ({"phone": NEW, "nickname": "Al"}, "nickname"),
]


@pytest.mark.parametrize(("fields", "field"), REFUSED, ids=lambda value: str(value)[:50])
def test_hostile_changes_are_refused_and_change_nothing(alice, fields, field):
    """P12: each names its field and the mend."""
    before = builders.counts()
    with pytest.raises(Refusals) as refused:
        change(alice, **fields)
    assert field in {fault.field for fault in refused.value.faults}
    assert all(fault.mend for fault in refused.value.faults)
    assert builders.counts() == before


def test_nobody_changes_an_unknown_or_erased_client(alice):
    """P12: no such client, no change."""
    with pytest.raises(Refusals, match="client: is not known here"):
        change_contact(client_id=10**9, file=ContactFile(changed_by=builders.SAM, phone=NEW), now=LATER)


def test_the_evidence_names_the_new_address_and_its_holder(alice):
    """Rules 2, 15: as given and as sent to, and whose it is."""
    holder = {"name": "Ines Duval", "relationship": "mother"}
    change(alice, phone=NEW, holder=holder, consents=agreed())
    event = ConsentEvent.objects.filter(client_id=alice.pk, act="given", standing_id=standing_of(alice).pk).first()
    said = json.loads(sealed.unseal(event.evidence.sealed, "consent.evidence"))
    assert said == {"address": NEW_E164, "as_written": NEW, "name": "Alice Moreau", "holder": holder}


def test_a_held_row_is_untouched_by_the_refusal_of_another_fault(alice):
    """P12: several faults at once are all named."""
    hold_standing(Standing.objects.get(pk=standing_of(alice).pk), why="tests", source="", now=NOW)
    with pytest.raises(Refusals) as refused:
        change(alice, phone="12", email="no mailbox", changed_by="nobody@lakeside.example")
    assert {fault.field for fault in refused.value.faults} == {"changed_by", "phone", "email"}


@pytest.fixture
def at_the_desk(alice, settings, tmp_path):
    """The command's own calendar stands two days after the enrolment."""
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(LATER)
    return alice


def test_the_verb_takes_an_address_alone_or_a_file(at_the_desk, tmp_path, capfd):
    """`aftercare contact`: silent without a consent, then the same number agreed to in a file."""
    alice = str(at_the_desk.pk)
    assert main(["contact", alice, "--phone", NEW, "--by", builders.SAM]) == 0
    assert "sms: nothing goes there until the client agrees" in capfd.readouterr().out
    file = tmp_path / "change.json"
    file.write_text(json.dumps({"changed_by": builders.SAM, "phone": NEW, "consents": agreed()}))
    assert main(["contact", alice, str(file), "--json"]) == 0
    said = json.loads(capfd.readouterr().out)
    assert (said["closed"], said["asked"], said["silent"]) == (0, [], [])
    assert "optin-confirmation" in {each["step"] for each in said["planned"]}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--phone", NEW], "--by: is missing"),
        (["--by", builders.SAM], "file: names no new address"),
        (["nowhere.json"], "nowhere.json: can't be read"),
        (["nowhere.json", "--phone", NEW], "file: stands beside --phone"),
        (["--phone", NEW, "--by", builders.CHARLIE], "changed_by: is no active"),
    ],
)
def test_the_verb_refuses_with_the_mend(at_the_desk, arguments, says, capfd):
    """P12: exit 1, field and mend, nothing changed, and never the number itself (P9)."""
    before = builders.counts()
    assert main(["contact", str(at_the_desk.pk), *arguments]) == 1
    told = capfd.readouterr().err
    assert says in told
    assert "555" not in told
    assert builders.counts() == before
