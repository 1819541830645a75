"""A client's text is obeyed and committed before the provider hears our answer (P2, rules 19, 33, 97)."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError, connection
from django.test import Client

from tests import builders
from tests.builders import ALICES_PHONE, BOBS_PHONE, NOW, messages_of, standing_of, text_from
from tests.web.provider import HILLSIDE, Provider, new_sid
from worker import meters
from worker.models import Inbound, Message, Sender, Standing, Suppression
from worker.rules.states import State

SECRET = "Canary Wharf 7 pus and fever"


def planned(client, channel="sms"):
    """The course messages of a client that would still leave."""
    return Message.objects.filter(client=client, channel=channel, cls="course", state=State.PLANNED)


def confirmations():
    return Message.objects.filter(kind="stop_confirmation")


def test_stop_ends_everything_on_that_number_before_we_answer(house, provider):
    """One word: standing suppressed, every planned text cancelled, one confirmation planned (rules 19, 20, 22, 25)."""
    alice = builders.alice(visit=NOW.replace(month=2)).client
    assert planned(alice).count() > 5
    answer = provider.text(ALICES_PHONE, "STOP")
    assert (answer.status_code, answer.content) == (200, b"<Response/>")
    assert answer["Content-Type"] == "text/xml"
    assert standing_of(alice).suppressed_why == "keyword"
    assert not planned(alice).exists()
    assert {each.reason for each in messages_of(alice, state=State.CANCELLED)} == {"revoked"}
    assert confirmations().get().channel == "sms"


def test_email_and_the_other_clinic_go_on(house, provider):
    """STOP ends that clinic's texts alone: not Alice's emails, not Bob's, nor Hillside's to her phone (rule 25)."""
    alice, bob = builders.alice().client, builders.bob().client
    twin = builders.bob(external_id="B-2", phone=ALICES_PHONE, email="other@example.com").client
    mails = planned(alice, "email").count()
    provider.text(ALICES_PHONE, "STOP")
    assert planned(alice, "email").count() == mails > 0
    assert standing_of(bob).suppressed_at is None
    assert standing_of(twin).suppressed_at is None
    assert planned(bob).exists()
    assert planned(twin).exists()


@pytest.mark.parametrize("body", [" STOP ", "\tstop\r\n", "STOP please", "¡PARAR!", "Stop.", "ＳＴＯＰ"])
def test_the_body_reaches_us_as_it_was_written(house, provider, body):
    """Blanks around a word survive the signature's check; the rules read them, not the parser (rule 93)."""
    alice = builders.alice().client
    assert provider.text(ALICES_PHONE, body).status_code == 200
    assert standing_of(alice).suppressed_at is not None


def test_the_providers_own_verdict_counts(house, provider):
    """OptOutType=STOP revokes whatever the body says (rule 24)."""
    alice = builders.alice().client
    provider.text(ALICES_PHONE, "hmm", OptOutType="STOP")
    assert standing_of(alice).suppressed_at is not None


def test_the_same_text_five_times_is_one_effect(house, provider):
    """Delivered again and again, it counts once and is confirmed at most once (rule 97)."""
    builders.alice()
    sid = new_sid()
    answers = [provider.text(ALICES_PHONE, "STOP", sid=sid).status_code for _ in range(5)]
    assert answers == [200] * 5
    assert Inbound.objects.count() == Suppression.objects.count() == confirmations().count() == 1


def test_five_at_once_are_one_effect(committed, settings):
    """The same webhook in five threads: one row, one confirmation; a loser may ask for a retry (rule 97)."""
    builders.house()
    builders.alice()
    sid, answers = new_sid(), []

    def speak():
        try:
            each = Provider(Client(), account_sid=settings.TWILIO_ACCOUNT_SID, token=settings.TWILIO_AUTH_TOKEN)
            answers.append(each.text(ALICES_PHONE, "STOP", sid=sid).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=speak) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 200 in answers
    assert set(answers) <= {200, 503}
    assert Inbound.objects.count() == Suppression.objects.count() == confirmations().count() == 1


def test_a_second_stop_is_not_confirmed_again(house, provider):
    """Exactly one confirmation, ever (rule 22)."""
    builders.alice()
    provider.text(ALICES_PHONE, "STOP")
    provider.text(ALICES_PHONE, "STOP!!")
    assert confirmations().count() == 1


def test_a_provider_that_confirms_itself_is_not_doubled(house, provider):
    """Where the sender's provider answers STOP, we send nothing and answer with an empty document (rule 23)."""
    Sender.objects.filter(clinic=house.lakeside, channel="sms").update(provider_handles_optout=True)
    alice = builders.alice().client
    assert provider.text(ALICES_PHONE, "STOP").content == b"<Response/>"
    assert standing_of(alice).suppressed_at is not None
    assert not confirmations().exists()


def test_stop_from_a_number_nobody_knows_is_kept(house, provider):
    """A later enrolment of that number will find it (rule 34)."""
    assert provider.text("+12125550199", "STOP").status_code == 200
    assert Standing.objects.get(clinic=house.lakeside).suppressed_why == "keyword"


@pytest.mark.parametrize("address", ["72720", "LAKESIDE", "+442079460000"])
def test_a_short_code_can_say_stop_too(house, provider, address):
    """Any address that wrote to us may end what goes to it (rule 103)."""
    assert provider.text(address, "STOP").status_code == 200
    assert Suppression.objects.filter(clinic=house.lakeside).count() == 1


@pytest.mark.parametrize("prefix", ["whatsapp:", "rcs:"])
def test_stop_on_a_sister_channel_ends_texts(house, provider, prefix):
    """Opt-outs of one number are one opt-out (rule 26)."""
    alice = builders.alice().client
    provider.text(prefix + ALICES_PHONE, "STOP")
    assert standing_of(alice).suppressed_at is not None


@pytest.mark.parametrize("address", ["", "  "])
def test_a_text_from_nowhere_is_answered_and_stored_nowhere(house, provider, address):
    """Nothing to hold on to: 200, so that the provider does not repeat it, and a line in the log."""
    before = builders.counts()
    assert provider.text(address, "STOP").status_code == 200
    assert builders.counts() == before


def test_a_number_that_is_no_sender_of_ours_is_not_found(house, provider):
    """A genuine signature over a number nobody loaded: 404, no effect."""
    before = builders.counts()
    assert provider.text(ALICES_PHONE, "STOP", to="+12125550155").status_code == 404
    assert provider.text(ALICES_PHONE, "STOP", to="").status_code == 404
    assert builders.counts() == before


def test_a_messaging_service_names_the_clinic(house, provider):
    """Where the sender is a service, To is one of its numbers, which nobody loaded (rule 26)."""
    service = "MG" + "1" * 32
    Sender.objects.filter(clinic=house.lakeside, channel="sms").update(identity=service)
    alice = builders.alice().client
    assert provider.text(ALICES_PHONE, "STOP", to="+12125550155", MessagingServiceSid=service).status_code == 200
    assert standing_of(alice).suppressed_at is not None


def test_a_retired_number_still_hears_stop(house, provider):
    """The clinic changed its number; who answers an old text is obeyed all the same (rule 17)."""
    Sender.objects.filter(clinic=house.lakeside, channel="sms").update(is_active=False)
    alice = builders.alice().client
    assert provider.text(ALICES_PHONE, "STOP").status_code == 200
    assert standing_of(alice).suppressed_at is not None


@pytest.mark.parametrize("sid", ["", " ", "SM\x00", "ü", "S" * 81])
def test_a_text_without_a_usable_id_is_refused(house, provider, sid):
    """Without it, twice could not be told from once (rule 97)."""
    before = builders.counts()
    pairs = [(name, sid if name == "MessageSid" else value) for name, value in provider.said(ALICES_PHONE, "hello")]
    assert provider.post("/hooks/twilio/inbound", pairs).status_code == 400
    assert builders.counts() == before


def full(execute, sql, params, many, context):
    """A database whose disk is full: it reads and does not write."""
    if sql.startswith(("INSERT", "UPDATE")):
        raise OperationalError("database or disk is full: +12125550123")
    return execute(sql, params, many, context)


def test_a_stop_that_could_not_be_kept_is_asked_for_again(house, provider, capfd):
    """503 and nothing half done; the provider's retry is obeyed once (rule 33)."""
    alice = builders.alice().client
    before, sid = builders.counts(), new_sid()
    with connection.execute_wrapper(full):
        answer = provider.text(ALICES_PHONE, "STOP", sid=sid)
    assert answer.status_code == 503
    assert builders.counts() == before
    assert planned(alice).exists()
    assert ALICES_PHONE not in capfd.readouterr().err
    assert provider.text(ALICES_PHONE, "STOP", sid=sid).status_code == 200
    assert standing_of(alice).suppressed_at is not None
    assert confirmations().count() == 1


def test_nothing_personal_is_logged(house, provider, caplog, capfd):
    """Every outcome of the hook, at DEBUG: no number, no word of the text, no account token (P9, rules 42, 60)."""
    builders.alice()
    caplog.set_level("DEBUG")
    provider.text(ALICES_PHONE, SECRET)
    provider.text(ALICES_PHONE, f"STOP {SECRET}")
    provider.text(ALICES_PHONE, SECRET, to="+12125550155")
    provider.text("", SECRET)
    provider.raw("/hooks/twilio/inbound", f"From={ALICES_PHONE}&Body={SECRET}", X_Twilio_Signature="x")
    out = capfd.readouterr()
    told = caplog.text + out.out + out.err
    assert "webhook_refused" in told
    for secret in ("5550123", "5550155", "Canary", "pus", provider.token):
        assert secret not in told


def test_the_hook_and_the_action_agree(house, provider):
    """What the front door does to Alice, the action does to Bob: no rule of its own hides in the web part."""
    alice, bob = builders.alice().client, builders.bob().client
    provider.text(ALICES_PHONE, "Please remove me")
    text_from(house.hillside, BOBS_PHONE, "Please remove me")
    assert provider.text(BOBS_PHONE, "hello", to=HILLSIDE).status_code == 200
    ended = [[(each.step.code, each.state) for each in messages_of(who, cls="course")] for who in (alice, bob)]
    assert ended[0] == ended[1]


def test_how_long_a_stop_took_is_told(house, provider):
    """Rule 148: from the request to the commit; what follows from a STOP, after its answer, is not waited for."""
    builders.alice()
    before = _timed()
    provider.text(builders.ALICES_PHONE, "STOP")
    provider.text(builders.ALICES_PHONE, "thank you")
    assert _timed() == before + 1


def _timed():
    (told,) = meters.OPTOUT_SECONDS.collect()
    return next(each.value for each in told.samples if each.name.endswith("_count"))
