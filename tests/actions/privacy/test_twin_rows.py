"""One address with two rows, after a rotation that was interrupted: whatever ends or holds one does so to both (P2)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.actions import post
from tests.builders import ALICES_PHONE, NOW, SAM, alice, client_file, standing_of, text_from
from worker import sealed
from worker.actions.clients.enrol import enrol
from worker.actions.consent import preferences
from worker.actions.consent import standing as standings
from worker.actions.consent.desk_hold import hold_client, undo_hold
from worker.actions.consent.desk_revoke import from_desk
from worker.actions.consent.release import release_client
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import revoke_standing
from worker.actions.converse.end import close
from worker.actions.converse.on_call import agree
from worker.actions.mail.reply import MailReply, mail_reply
from worker.actions.mail.report import mail_complained, mail_returned
from worker.actions.privacy.erase import erase
from worker.actions.receive.receipt import receipt
from worker.actions.receive.reply import Reply
from worker.actions.receive.sms import inbound_sms
from worker.actions.receive.start import settle_start, waiting
from worker.actions.record import verdicts
from worker.actions.restore import spool, stopped
from worker.intake.client import ClientFile
from worker.intake.shape import checked
from worker.models import (
    Attempt,
    Contact,
    Conversation,
    Grant,
    Hold,
    Inbound,
    Message,
    StaffTask,
    Standing,
    Suppression,
)
from worker.models.suppression import SuppressionReason
from worker.reading.chain import faults
from worker.rules.refusal import Refusals
from worker.rules.release import ReleaseReason

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DUE, STOPPED, BACK = NOW + HOUR, NOW + 2 * HOUR, NOW + 2 * DAY
STRANGER = "+12125550199"


@pytest.fixture
def sisters(house, keys):
    """Alice and her sister on the same phone and mailbox, each of which has two rows: the key lists differed."""
    first = alice().client
    keys(prints="q")
    second = alice(external_id="A-2", name="Zoe Moreau").client
    keys(prints="qp")
    assert standing_of(first).pk < standing_of(second).pk
    post.confirmed(NOW)
    return first, second


@pytest.fixture
def alone(house, keys):
    """Alice, whose phone has a second row, of nobody: a text of hers was heard by a process with other keys."""
    client = alice().client
    keys(prints="q")
    text_from(house.lakeside, ALICES_PHONE, "thanks")
    keys(prints="qp")
    post.confirmed(NOW)
    return client


def rows(channel="sms"):
    return list(Standing.objects.filter(channel=channel).order_by("pk"))


def whys(channel="sms"):
    return [row.suppressed_why for row in rows(channel)]


def held(channel="sms"):
    return [row.held_why for row in rows(channel)]


def states(client, channel="sms"):
    found = Grant.objects.filter(client=client, standing__channel=channel)
    return set(found.values_list("state", flat=True))


def planned(client, channel="sms"):
    return Message.objects.filter(client=client, channel=channel, state="planned", cls="course").count()


def link(client, channel="email"):
    return Contact.objects.get(client=client, channel=channel)


def left(client, channel="sms"):
    """An attempt that the provider took."""
    post.round_of_post(DUE, channel=channel)
    return Attempt.objects.filter(message__client=client, channel=channel).latest("decided_at")


def mail(house, words, **more):
    said = {
        "key": "a" * 64, "sender": "alice@example.com", "clinics": (house.lakeside.pk,), "named": None,
        "by_link": False, "subject": "", "words": words, "unread": False, "received_at": NOW,
    }  # fmt: skip
    mail_reply(MailReply(**{**said, **more}), now=NOW)


# What ends


def test_everything_behind_a_link_ends_each_row_of_an_address_that_is_hers_alone(alone):
    """P2, rule 64: by the link of her mail her phone is silent, whichever row is looked at."""
    assert preferences.end_everything(contact=link(alone), now=NOW)
    assert whys() == ["link", "link"]
    assert faults() == []


def test_everything_behind_a_link_leaves_a_phone_to_who_shares_it(sisters):
    """P2, rule 64: on two rows as on one, whoever shares her phone said nothing; the link's own mailbox is silent."""
    first, second = sisters
    assert preferences.end_everything(contact=link(first), now=NOW)
    assert whys("email") == ["link", "link"]
    assert whys() == [None, None]
    assert (states(first), states(second)) == ({"revoked"}, {"active"})
    assert planned(first) == 0 < planned(second)
    assert faults() == []


def _as_an_answer(attempt, code):
    Message.objects.filter(pk=attempt.message_id).update(state="sending")
    Attempt.objects.filter(pk=attempt.pk).update(state="sending")
    verdicts.refused(message_id=attempt.message_id, attempt_id=attempt.pk, code=code, now=DUE)


def _as_a_receipt(attempt, code):
    told = {"provider_id": attempt.provider_id, "status": "undelivered", "raw": {}, "now": DUE}
    receipt(attempt_id=attempt.pk, code=code, **told)


@pytest.mark.parametrize("whose", [0, 1])
@pytest.mark.parametrize("told", [_as_an_answer, _as_a_receipt])
def test_an_opt_out_that_the_provider_knew_of_ends_every_row(sisters, told, whose):
    """P2, rule 32: 21610 is about the phone, so no other row of it is tried again."""
    told(left(sisters[whose]), "21610")
    assert whys() == ["carrier", "carrier"]
    assert [states(each) for each in sisters] == [{"revoked"}, {"revoked"}]
    assert [planned(each) for each in sisters] == [0, 0]
    assert faults() == []


def test_an_opt_out_of_a_phone_that_is_no_clients_ends_every_row(house, keys):
    """P2, rules 32, 34: the answer to HELP was refused; what the rows have in common is the answer's own address."""
    keys(prints="p")
    text_from(house.lakeside, STRANGER, "HELP")
    keys(prints="q")
    text_from(house.lakeside, STRANGER, "thanks")
    keys(prints="qp")
    post.round_of_post(NOW)
    _as_an_answer(Attempt.objects.get(channel="sms"), "21610")
    assert whys() == ["carrier", "carrier"]


@pytest.mark.parametrize("told", [_as_an_answer, _as_a_receipt])
def test_a_phone_whose_carrier_knows_nobody_is_asked_about_on_every_row(sisters, told):
    """P2, rules 9, 87: 30005, maybe somebody else's by now: both consents wait until they are given again."""
    told(left(sisters[0]), "30005")
    assert [states(each) for each in sisters] == [{"needs_reconfirmation"}, {"needs_reconfirmation"}]


@pytest.mark.parametrize("told", [_as_an_answer, _as_a_receipt])
def test_a_phone_that_staff_must_look_at_is_held_on_every_row(sisters, told):
    """P2, rules 17, 87: 30004, blocked: in doubt nothing goes to it."""
    told(left(sisters[0]), "30004")
    assert held() == ["provider_review", "provider_review"]


def test_a_code_that_is_not_about_the_phone_changes_no_row(sisters):
    """Rule 87: 30007 is about the words."""
    _as_a_receipt(left(sisters[0]), "30007")
    assert (whys(), held()) == ([None, None], [None, None])


@pytest.mark.parametrize(("code", "why"), [("550 5.1.1", "invalid"), ("bounced spam", "complaint")])
def test_a_mail_that_came_back_for_good_ends_every_row(sisters, code, why):
    """P2, rule 125: there is one mailbox, and it is no more."""
    mail_returned(attempt_id=left(sisters[1], "email").pk, code=code, raw={}, now=DUE)
    assert whys("email") == [why, why]
    assert faults() == []


@pytest.mark.parametrize(("method", "why"), [("complaint", "complaint"), ("unsubscribe", "link")])
@pytest.mark.parametrize("whose", [0, 1])
def test_a_complaint_ends_every_row_once(sisters, whose, method, why):
    """P2, rule 127: she left by her provider; told again, it changes nothing, and one task asks staff to look."""
    for _ in range(2):
        named = standing_of(sisters[whose], "email").pk
        mail_complained(standing_id=named, method=method, source="attempt:1", now=NOW)
    assert whys("email") == [why, why]
    assert Suppression.objects.count() == 2
    assert StaffTask.objects.filter(kind=f"mail_{method}").count() == 1
    assert faults() == []


def test_a_second_complaint_ends_the_row_that_the_first_did_not_know(sisters):
    """P2, rule 127: what was ended under one key list is no answer for the other row."""
    row = standings.lock([standing_of(sisters[0], "email").pk])[0]
    said = Revocation(reason=SuppressionReason.COMPLAINT, method="complaint", by="client", received_at=NOW)
    revoke_standing(row, said=said, now=NOW)
    mail_complained(standing_id=row.pk, method="complaint", source="attempt:2", now=NOW)
    assert whys("email") == ["complaint", "complaint"]
    assert Suppression.objects.count() == 2


def test_a_stop_that_the_backup_does_not_know_ends_every_row(sisters, settings, tmp_path):
    """P2: the spool names one link; the address behind it has two rows in the database that was put back."""
    settings.HEADS_FILE = str(tmp_path / "heads")
    stop = {"received_at": NOW.isoformat(), "channel": "email", "reason": "link", "method": "one_click"}
    stop |= {"kept_at": NOW.isoformat(), "links": [link(sisters[0]).link_key], "purposes": []}
    spool.folder().mkdir(parents=True)
    (spool.folder() / f"{NOW:%Y-%m-%d}.jsonl").write_text(spool.heads.plain(stop) + "\n")
    found = stopped.obey(since=NOW - DAY, now=NOW)
    assert (found.obeyed, whys("email")) == (1, ["link", "link"])
    again = stopped.obey(since=NOW - DAY, now=NOW)
    assert (again.obeyed, again.known) == (0, 1)


def test_a_stop_by_mail_of_two_clinics_is_one_of_each(sisters, house):
    """P2: a mailbox that serves both clinics; what the one's client agreed to anew is no matter of the other's."""
    bobs = standings.ensure(clinic_id=house.hillside.pk, channel="email", address="alice@example.com", now=NOW)
    mail(house, "STOP", clinics=(house.lakeside.pk, house.hillside.pk))
    assert whys("email") == ["link", "link", "link"]
    assert Suppression.objects.filter(channel="email").count() == 3
    assert Suppression.objects.filter(standing=bobs).count() == 1


def test_a_row_made_of_another_address_is_not_ended_with_it(sisters):
    """P1: what is written beside a row is believed only where the row's own fingerprint says the same."""
    first = sisters[0]
    link(first, "sms").standing.contacts.update(address_sealed=sealed.seal(STRANGER, "contact.address"))
    other = standings.ensure(clinic_id=first.clinic_id, channel="sms", address=STRANGER, now=NOW)
    _as_a_receipt(left(first), "21610")
    assert standing_of(first).suppressed_why == "carrier"
    assert Standing.objects.get(pk=other).suppressed_at is None


def test_with_one_key_nothing_is_looked_up(house, django_assert_num_queries):
    """There can be no second row: a receipt and a complaint cost what they always did."""
    client = alice().client
    row = standing_of(client)
    with django_assert_num_queries(1):
        assert standings.lock_addresses([row.pk]) == [row]


# What comes back


def said(house, body, at=STOPPED):
    text_from(house.lakeside, ALICES_PHONE, body, now=at)


def heard_late(house, body, *, written):
    """A text that no webhook brought; the provider's list has it, and when it was written."""
    text = Reply(
        clinic_id=house.lakeside.pk, provider_id="SMlate", address=ALICES_PHONE, body=body, opt_out_type="",
        provider_answers=False, received_at=written,
    )  # fmt: skip
    inbound_sms(text, now=BACK)


@pytest.mark.parametrize("times", [1, 2])
def test_start_frees_every_row_that_one_stop_ended(sisters, house, times):
    """P2, rule 30: both hear again what they agreed to, and one word confirms it."""
    before = [planned(each) for each in sisters]
    for _ in range(times):
        said(house, "STOP")
    assert whys() == ["keyword", "keyword"]
    said(house, "START", BACK)
    assert whys() == [None, None]
    assert [states(each) for each in sisters] == [{"active"}, {"active"}]
    assert all(0 < planned(each) <= many for each, many in zip(sisters, before, strict=True))
    assert Message.objects.filter(kind="start_confirmation").count() == 1
    assert not Suppression.objects.filter(lifted_at__isnull=True).exists()
    assert faults() == []


def test_start_frees_the_row_of_nobody_too(alone, house):
    """P2, rule 30: else the next look-up would find her stopped."""
    said(house, "STOP")
    said(house, "START", BACK)
    assert (whys(), states(alone)) == ([None, None], {"active"})


@pytest.mark.parametrize("whose", [0, 1])
@pytest.mark.parametrize("why", ["desk", "carrier", "wrong_number"])
def test_start_frees_no_row_where_one_was_ended_in_another_way(sisters, house, why, whose):
    """P2, rule 30: a desk, a carrier, a wrong number is never overridden, on whichever row it stands; staff look."""
    said(house, "STOP")
    row = standings.lock([standing_of(sisters[whose]).pk])[0]
    revoke_standing(
        row,
        said=Revocation(reason=SuppressionReason(why), method="desk", by="staff", received_at=STOPPED),
        now=STOPPED,
    )
    said(house, "START", BACK)
    assert None not in whys()
    assert [states(each) for each in sisters] == [{"revoked"}, {"revoked"}]
    assert StaffTask.objects.filter(kind="start_reply").count() == 1
    assert faults() == []


@pytest.mark.parametrize("known", ["p", "q"])
def test_start_frees_no_row_where_two_stops_ended_them(sisters, house, keys, known):
    """P2, rule 30: who knew one key heard a STOP of its own; who knows both can't tell which one she takes back."""
    keys(prints=known)
    said(house, "STOP")
    keys(prints="qp")
    said(house, "STOP", STOPPED + HOUR)
    said(house, "START", BACK)
    assert None not in whys()
    assert StaffTask.objects.filter(kind="start_reply").count() == 1
    assert faults() == []


@pytest.mark.parametrize("known", ["p", "q"])
def test_start_frees_the_one_row_that_was_ended(sisters, house, keys, known):
    """P2, rule 30: the other was never stopped, and goes on as it did, whichever of the two it is."""
    keys(prints=known)
    said(house, "STOP")
    assert sorted(whys(), key=str) == [None, "keyword"]
    keys(prints="qp")
    said(house, "START", BACK)
    assert whys() == [None, None]
    assert [states(each) for each in sisters] == [{"active"}, {"active"}]


def test_start_that_waited_for_the_list_frees_every_row(sisters, house):
    """P2, rules 30, 33: said within ten minutes of the STOP, believed once the provider's own dates are read."""
    said(house, "STOP")
    said(house, "START", STOPPED + timedelta(minutes=2))
    assert whys() == ["keyword", "keyword"]
    stop, start = Inbound.objects.order_by("pk").values_list("provider_id", flat=True)
    assert waiting([start]) == [start]
    settle_start(provider_id=start, listed={stop: STOPPED, start: STOPPED + HOUR}, now=BACK)
    assert whys() == [None, None]
    assert not StaffTask.objects.filter(kind="start_reply", done_at__isnull=True).exists()


def test_start_is_overtaken_by_a_stop_that_the_other_row_heard(sisters, house, keys):
    """P2, rule 33: a START that was held up undoes no STOP that was said after it, wherever that was written down."""
    keys(prints="p")
    said(house, "STOP")
    keys(prints="q")
    said(house, "STOP", STOPPED + 2 * HOUR)
    keys(prints="qp")
    heard_late(house, "START", written=STOPPED + HOUR)
    assert None not in whys()
    assert not StaffTask.objects.filter(kind="start_reply").exists()


@pytest.mark.parametrize(("written", "ends"), [(NOW - 5 * HOUR, True), (NOW - 11 * HOUR, False)])
def test_a_stop_that_we_hear_late_counts_unless_everybody_agreed_after_it(house, keys, written, ends):
    """P2, rule 33: Alice's form is two hours old, her sister's on the phone's other row ten."""
    first = alice().client
    keys(prints="q")
    older = client_file(external_id="A-2", name="Zoe Moreau")
    for each in older["consents"]:
        each["given_at"] = (NOW - 10 * HOUR).isoformat()
    enrol(checked(ClientFile, older), now=NOW)
    keys(prints="qp")
    assert rows()[0] == standing_of(first)
    heard_late(house, "STOP", written=written)
    assert whys() == (["keyword", "keyword"] if ends else [None, None])
    assert faults() == []


# What holds


@pytest.mark.parametrize("way", ["text", "mail", "mail from elsewhere"])
def test_a_reply_in_doubt_holds_every_row(sisters, house, way):
    """P2, rule 17: "this is odd" may mean stop, and it was the phone or the mailbox that said it."""
    channel = "sms" if way == "text" else "email"
    if way == "text":
        said(house, "this is odd")
    elif way == "mail":
        mail(house, "this is odd")
    else:
        mail(house, "STOP", sender="else@example.com", named=standing_of(sisters[1], "email").pk)
    assert held(channel) == ["from_another_address" if way == "mail from elsewhere" else "unclear_reply"] * 2
    assert post.round_of_post(DUE, channel=channel) == []


@pytest.mark.parametrize("whose", [0, 1])
@pytest.mark.parametrize("way", ["client", "conversation"])
def test_who_has_read_it_ends_the_hold_on_every_row(sisters, house, way, whose):
    """Rule 17: read once, it is read: no row stays on hold that nobody is told of."""
    said(house, "this is odd")
    if way == "client":
        release_client(client_id=sisters[whose].pk, by=SAM, reason=ReleaseReason.HARMLESS, now=BACK)
    else:
        talk = Conversation.objects.get()
        close(clinic=house.lakeside, conversation_id=talk.pk, by=SAM, now=BACK, no_stop=True)
    assert held() == [None, None]
    assert not Hold.objects.filter(released_at__isnull=True).exists()


@pytest.mark.parametrize("whose", [0, 1])
def test_a_pause_of_the_desk_is_of_every_row_and_its_undo_too(sisters, whose):
    """Rules 17, 58: it waits for whoever shares the phone; told is how many addresses of hers."""
    assert hold_client(client_id=sisters[whose].pk, by="staff:1", now=NOW) == 2
    assert (held(), held("email")) == (["desk", "desk"], ["desk", "desk"])
    undo_hold(client_id=sisters[whose].pk, by="staff:1", now=NOW)
    assert (held(), held("email")) == ([None, None], [None, None])


# What is forgotten, and who is let in


@pytest.mark.parametrize("whose", [0, 1])
def test_an_erasure_lets_no_stop_hide_from_the_other_row(house, sisters, keys, whose):
    """P2, rule 62: once her address is gone nobody could tell that the two rows are one phone."""
    keys(prints="pq"[whose])
    said(house, "STOP")
    keys(prints="qp")
    assert sorted(whys(), key=str) == [None, "keyword"]
    erase(client_id=sisters[whose].pk, by=SAM, now=BACK)
    assert whys() == ["keyword", "keyword"]
    assert states(sisters[1 - whose]) == {"revoked"}
    assert faults() == []


def test_an_erasure_wipes_what_she_wrote_on_every_row(house, keys):
    """P9, rule 62: her words were written down at the phone's other row."""
    keys(prints="q")
    said(house, "thanks")
    keys(prints="p")
    client = alice().client
    keys(prints="qp")
    said(house, "I feel fine")
    assert Inbound.objects.values("standing").distinct().count() == 2
    erase(client_id=client.pk, by=SAM, now=BACK)
    assert not Inbound.objects.filter(body_sealed__isnull=False).exists()


def test_an_erasure_hands_her_warning_sign_to_who_shares_the_phone(house, sisters):
    """P5, rule 41: the reply may be either's; her sister is on the phone's other row."""
    said(house, "I have a fever and pus")
    talk = Conversation.objects.get()
    assert talk.client_id == sisters[0].pk
    erase(client_id=sisters[0].pk, by=SAM, now=BACK)
    talk.refresh_from_db()
    assert (talk.client_id, talk.closed_at) == (sisters[1].pk, None)


LET_IN = {
    "client": lambda _: alice(external_id="A-3", name="Eve Moreau", email="eve@example.com"),
    "staff": lambda house: agree(clinic=house.lakeside, by=SAM, address=ALICES_PHONE, affirmed=True, now=BACK),
}


@pytest.mark.parametrize("known", ["p", "q"])
@pytest.mark.parametrize("who", LET_IN)
def test_nobody_is_let_in_at_a_phone_one_row_of_which_said_stop(house, sisters, keys, known, who):
    """P2, rules 34, 62: the phone said so, whichever row heard it."""
    keys(prints=known)
    said(house, "STOP")
    keys(prints="qp")
    with pytest.raises(Refusals, match=r"may not be written to|said STOP"):
        LET_IN[who](house)


def test_the_desk_ends_a_phone_of_three_rows(house, keys):
    """P2, rule 27: with three keys there may be three."""
    three = []
    for place, each in enumerate("pqr"):
        keys(prints=each)
        three.append(alice(external_id=f"A-{place}", name=f"Client {place}").client)
    keys(prints="rqp")
    from_desk(clinic_slug="", phone="", email="", client_id=three[1].pk, reason="letter", received_at=None, now=NOW)
    assert (whys(), whys("email")) == (["desk"] * 3, ["desk"] * 3)
