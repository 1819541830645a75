"""What comes back by mail, over real SMTP and IMAP: bounces, complaints, a client's own words (rules 124 to 128)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tests import builders
from tests.actions.mails import arf, dsn, head_of, letter, value
from tests.builders import NOW, standing_of
from tests.channels import relays
from tests.channels.imap_server import imap_server
from worker import clock, tokens
from worker.actions.mail.incoming import mail_in
from worker.actions.mail.poll import mail_poll
from worker.actions.send.shift import shift
from worker.actions.send.tend import tend
from worker.channels import incoming
from worker.channels.email import EmailChannel
from worker.channels.smtp import Connection, Relay
from worker.models import (
    Attempt,
    ConsentEvent,
    Conversation,
    Inbound,
    Mailbox,
    Message,
    Receipt,
    StaffTask,
    Suppression,
)
from worker.reading.chain import faults
from worker.rules.names import Channel

EMAIL = (("email", "aftercare"), ("email", "reminders"))


@pytest.fixture
def sent(house, settings, tmp_path):
    """Alice's opt-in confirmation, gone by SMTP to a relay; gives the mail as it went and its return path."""
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(NOW)
    alice = builders.alice().client
    return Sent(alice, *post(1)[0])


class Sent:
    """One mail of ours on the other side."""

    def __init__(self, client, raw, return_path):
        self.client, self.raw, self.return_path = client, raw, return_path
        self.message_id = value(raw, "Message-ID")
        self.head = head_of(raw)

    @property
    def standing(self):
        return standing_of(self.client, "email")


def post(expected):
    """Let everything that is due go by SMTP; each mail with its envelope sender."""
    tend()
    with relays.relay() as relay:
        there = Relay(host="127.0.0.1", port=relay.port, secure=False, user="", password="")
        channel = EmailChannel(lambda: Connection(there, wait=10.0, last_wait=10.0), slots=4, patience=10.0)
        try:
            shift(channel=Channel.EMAIL, carrier=channel, slots=4, longest=5.0)
        finally:
            channel.close()
        froms = [line[11:].partition(">")[0] for line in relay.heard if line.lower().startswith("mail from:")]
        assert len(relay.mails) == len(froms) == expected
        return list(zip(relay.mails, froms, strict=True))


def came(raw, *, at=None):
    """One mail, handed to us as the mailbox or a webhook does."""
    return mail_in(raw, received_at=at or clock.now(), now=clock.now())


def by_mailbox(settings, *raws):
    """The same by way of the mailbox, over a real socket."""
    with imap_server() as server:
        settings.MAILBOX_URL = server.url
        for raw in raws:
            server.put(raw)
        return mail_poll(longest=5.0)


def planned(client, channel="email"):
    return Message.objects.filter(client=client, channel=channel, state="planned", cls="course")


def kinds():
    return sorted(StaffTask.objects.values_list("kind", flat=True))


def test_a_bounce_by_our_return_path_silences_the_address(sent, settings):
    """Mail out, DSN back, address suppressed as invalid, next mail cancelled with its reason; texts go on (126)."""
    assert sent.return_path.startswith("bounce+")
    assert by_mailbox(settings, dsn(to=sent.return_path)) == 1
    assert sent.standing.suppressed_why == "invalid"
    assert not planned(sent.client).exists()
    assert planned(sent.client, "sms").exists()
    ended = Message.objects.filter(client=sent.client, channel="email", state="cancelled")
    assert set(ended.values_list("reason", flat=True)) == {"revoked"}
    assert Message.objects.get(provider_id=sent.message_id.strip("<>")).state == "undelivered"
    assert post(0) == []
    assert faults() == []


def test_a_bounce_is_known_by_the_message_id_of_the_returned_header(sent):
    """A server that loses our return path still returns our header (126)."""
    assert came(dsn(returned=sent.head)) == "bounce"
    assert sent.standing.suppressed_why == "invalid"


def test_the_same_bounce_twice_is_one(sent):
    """Each event counts once, by whichever way it comes."""
    for _ in range(3):
        came(dsn(to=sent.return_path))
    assert Suppression.objects.count() == Receipt.objects.count() == 1


BOUNCES = [
    *(("5.1.1", "", "invalid"), ("5.1.2", "", "invalid"), ("5.1.3", "", "invalid"), ("5.1.6", "", "invalid")),
    *(("5.7.1", "", None), ("5.7.26", "", None), ("5.7.515", "", None), ("5.2.2", "", None), ("4.4.7", "", None)),
    *(("5.0.0", "smtp; 550 5.1.1 unknown", "invalid"), ("5.0.0", "smtp; 550 5.7.1 spam", None)),
    *(("5.1.1", "smtp; 550 5.7.1 blocked", None), ("5.1.1", "x; ??", "invalid"), ("", "smtp;550 5.1.1 no", "invalid")),
    *(("5.0.0", "smtp; 550 no", None), ("", "", None), ("9.9.9", "", None), ("5.1.1.1", "", None), ("5.2.1", "", None)),
    *(("2.1.5", "", None), ("5.1.10", "", None), ("5.4.4", "", None), ("5.3.4", "", None), ("5.6.0", "", None)),
]


@pytest.mark.parametrize(("status", "diagnostic", "why"), BOUNCES)
def test_each_bounce_does_what_the_table_says(sent, status, diagnostic, why):
    """Rule 125: only an address that is no more is suppressed; policy and a full mailbox never are."""
    came(dsn(to=sent.return_path, status=status, diagnostic=diagnostic or "x"))
    assert sent.standing.suppressed_why == why


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded", "", "failed?"])
def test_only_a_failure_counts(sent, action):
    """Rule 126: a delayed mail is still on its way."""
    before = builders.counts()
    assert came(dsn(to=sent.return_path, action=action)) == "no_failure"
    assert builders.counts() == before


def test_a_forged_bounce_changes_nothing(sent):
    """No token, one with a flipped digit, another's Message-ID: nobody is silenced (rule 126)."""
    before = builders.counts()
    local, _, domain = sent.return_path.partition("@")
    flipped = local[:-1] + ("0" if local[-1] != "0" else "1")
    attempt = Attempt.objects.get().pk.hex
    for forged in (
        dsn(),
        dsn(to=f"{flipped}@{domain}"),
        dsn(to=f"bounce+{attempt}@{domain}"),
        dsn(to=f"bounce+{attempt}{'0' * 16}@{domain}"),
        dsn(returned="Message-ID: <0123456789abcdef0123456789abcdef@lakeside.example>"),
        dsn(returned=f"To: alice@example.com\nX-Attempt: {attempt}"),
    ):
        assert came(forged) == "bounce_of_nobody"
    assert builders.counts() == before


def test_a_return_path_outlives_its_key(sent, settings):
    """Three keys later the bounce still finds its mail, whatever the case of its letters (rules 73, 128)."""
    settings.SECRET_KEY_FALLBACKS = ["n-1", "n-2", settings.SECRET_KEY]
    settings.SECRET_KEY = "n"
    tokens.forget_keys()
    assert came(dsn(to=sent.return_path.upper())) == "bounce"
    assert sent.standing.suppressed_why == "invalid"


def test_three_soft_bounces_in_a_row_are_a_task_and_no_suppression(sent):
    """A mailbox that stays full: somebody asks for a better address; nothing is suppressed (rule 125)."""
    first = sent.return_path
    came(dsn(to=first, status="4.2.2"))
    for number in range(2):
        clock.step_to(planned(sent.client).order_by("due_at").first().due_at + timedelta(minutes=1))
        [(_, path), *_] = post(1)
        assert kinds() == []
        came(dsn(to=path, status=("5.2.2", "4.4.7")[number]))
    assert kinds() == ["mail_soft_bounces"]
    assert sent.standing.suppressed_at is None


def test_a_complaint_ends_every_purpose_there_without_a_word(sent, settings):
    """ARF with the recipient blacked out: known by our own tokens; no confirmation leaves (rule 127)."""
    assert by_mailbox(settings, arf(returned=sent.head)) == 1
    assert sent.standing.suppressed_why == "complaint"
    assert not planned(sent.client).exists()
    assert {*ConsentEvent.objects.filter(act="revoked").values_list("method", "purpose")} == {
        ("complaint", "aftercare"),
        ("complaint", "reminders"),
    }
    assert not Message.objects.filter(kind="stop_confirmation").exists()
    assert "mail_complaint" in kinds()
    came(arf(returned=sent.head))
    assert Suppression.objects.count() == 1


def test_a_complaint_with_nothing_but_the_unsubscribe_link_is_known(sent):
    """Of a mail whose Message-ID was rewritten, the link in its header still names the address (rule 127)."""
    link = f"List-Unsubscribe: {value(sent.raw, 'List-Unsubscribe')}"
    assert came(arf(returned=link)) == "complaint"
    assert sent.standing.suppressed_why == "complaint"


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "virus", "nonsense"])
def test_other_feedback_changes_nothing(sent, kind):
    """Rule 127: not-spam brings nobody back, and our own reputation is not the client's fault."""
    before = builders.counts()
    assert came(arf(returned=sent.head, kind=kind)) == "no_failure"
    assert builders.counts() == before


def test_a_forged_complaint_changes_nothing(sent):
    """Rule 127: identity is never taken from fields that anyone can write."""
    before = builders.counts()
    assert came(arf(returned="Original-Rcpt-To: alice@example.com\nTo: alice@example.com")) == "complaint_of_nobody"
    assert builders.counts() == before


def test_tokens_of_two_addresses_silence_neither(sent):
    """Who packs his own token beside another's gets nothing."""
    bob = builders.bob().client
    [(raw, path)] = post(1)
    assert came(dsn(to=sent.return_path, returned=f"Return-Path: <{path}>")) == "bounce_of_nobody"
    assert came(arf(returned=f"{sent.head}\n{head_of(raw)}")) == "complaint_of_nobody"
    assert standing_of(bob, "email").suppressed_at is None


def test_please_stop_ends_the_mails_as_the_link_does(sent, settings):
    """A reply under our Message-ID: same scope as the link, quoted words kept, one confirmation (rule 124)."""
    assert by_mailbox(settings, letter("Please stop.\n\nAlice\n", answers=sent.message_id, subject="Re: x")) == 1
    assert sent.standing.suppressed_why == "link"
    assert not planned(sent.client).exists()
    assert planned(sent.client, "sms").exists()
    assert set(ConsentEvent.objects.filter(act="revoked").values_list("method", flat=True)) == {"mail"}
    [(raw, _)] = post(1)
    assert "no more" in raw.decode()
    assert faults() == []


STOPS = [
    letter("please stop", subject=""),
    letter("", subject="unsubscribe"),
    letter("", subject="Unsubscribe me please"),
    letter("Sent from my iPhone", subject="STOP"),
    letter("Hallo,\n\nbitte keine E-Mails mehr.\n\n-- \nAlice", subject="AW: Ihr Termin"),
    letter("> How are you?\n> Reply STOP\n\nstop please", subject="Re: hello"),
    letter("<p>Please <b>unsubscribe</b> me</p><blockquote>hello</blockquote>", Content_Type="text/html"),
    letter("c3RvcA==", Content_Transfer_Encoding="base64"),
    letter("stop", Auto_Submitted="no"),
    letter("stop", from_='"Moreau, Alice (private)" <alice@example.com>'),
]


@pytest.mark.parametrize("raw", STOPS, ids=range(len(STOPS)))
def test_a_stop_in_a_fresh_mail_counts(sent, raw):
    """Without our token the sender's address is enough: subject, body, HTML, any language (rules 17, 124)."""
    came(raw)
    assert sent.standing.suppressed_why == "link"


HARMLESS = [
    letter("Thank you!\n\nOn Tue, Clinic wrote:\n> Reply STOP to end. Unsubscribe here.\n", subject="Re: hello"),
    letter("Thank you\n\n-----Original Message-----\nFrom: Clinic\nunsubscribe: stop\n", subject="Re: hello"),
    letter("Thanks\n\n-- \nDr Stop, Unsubscribe Ltd\n", subject="Re: hello"),
    letter("<p>Thanks</p><div class='gmail_quote'>stop</div>", Content_Type="text/html", subject="Re: hello"),
    letter("<p>Thanks</p><div id='appendonsend'></div><p>unsubscribe</p>", Content_Type="text/html", subject="hello"),
]


@pytest.mark.parametrize("raw", HARMLESS, ids=range(len(HARMLESS)))
def test_our_own_words_under_hers_never_speak_for_her(sent, raw):
    """Quotation and signature are not read (rule 17)."""
    came(raw)
    assert sent.standing.suppressed_at is None
    assert sent.standing.held_at is None


MACHINES = [
    {"Auto_Submitted": "auto-replied"},
    {"Auto_Submitted": "auto-generated (vacation)"},
    {"Precedence": "bulk"},
    {"List_Id": "<news.example.com>"},
    {"List_Unsubscribe": "<mailto:x@example.com>"},
    {"Return_Path": "<>"},
    {"X_Autoreply": "yes"},
]


@pytest.mark.parametrize("headers", MACHINES)
def test_a_machine_is_neither_obeyed_nor_answered(sent, headers):
    """Rule 117: out of office, a list, a loop."""
    before = builders.counts()
    assert came(letter("stop", answers=sent.message_id, **headers)) == "automatic"
    assert builders.counts() == before


def test_an_unclear_mail_holds_that_mailbox_for_staff(sent):
    """Rule 17: in doubt nothing is sent to that mailbox; texts go on, and a person reads."""
    came(letter("I have been thinking about what your colleague told me last week, hm."))
    assert sent.standing.held_why == "unclear_reply"
    assert standing_of(sent.client, "sms").held_at is None
    assert kinds() == ["unclear_reply"]


def test_an_unclear_mail_is_answered_where_it_is_read(sent):
    """The task leads to the conversation that the mail opened, as a text's does (issue 6, point 6)."""
    came(letter("I have been thinking about what your colleague told me last week, hm."))
    assert StaffTask.objects.get().facts["conversation"] == Conversation.objects.get(client=sent.client).pk


def test_an_unclear_mail_with_a_warning_sign_asks_once(sent):
    """One call for help, which is urgent, and no second task for the same words (rule 41)."""
    came(letter("stopped bleeding at last, but it started bleeding again and there is pus, what do you think?"))
    assert "red_flag_reply" in kinds()
    assert "unclear_reply" not in kinds()
    assert sent.standing.held_why == "unclear_reply"


UNREADABLE = [
    letter(
        f"--b\nContent-Type: image/png\n\n{'x' * 300_000}\n--b\n\nstop\n--b--",
        Content_Type="multipart/mixed; boundary=b",
    ),
    letter("Content-Type: multipart/mixed; boundary=c\n\n" * 40, Content_Type="multipart/mixed; boundary=b"),
]


@pytest.mark.parametrize("raw", UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_mail_that_is_too_much_to_read_holds_the_mailbox(sent, raw):
    """Who knows what the unread rest says: a person looks (rule 17)."""
    came(raw)
    assert sent.standing.held_why == "unclear_reply"


def test_a_reply_from_elsewhere_holds_the_mailbox_that_we_write_to(sent):
    """Our token, another sender: an alias or a friend; nothing goes until a person has looked (rule 17)."""
    came(letter("stop", from_="al@work.example", answers=sent.message_id))
    assert sent.standing.held_why == "from_another_address"
    assert sent.standing.suppressed_at is None
    assert kinds() == ["from_another_address"]


def test_the_mailto_of_our_header_works_from_any_address(settings, house, tmp_path):
    """Advertised only where it is read; its token is the link's, so whoever holds it may use it (rules 109, 115)."""
    settings.CALENDAR_FILE, settings.MAIL_IS_READ = str(tmp_path / "calendar"), True
    clock.step_to(NOW)
    alice = builders.alice().client
    [(raw, _)] = post(1)
    link, mailto = value(raw, "List-Unsubscribe").split(", ")
    assert link.startswith("<http")
    to, _, subject = mailto.strip("<>").removeprefix("mailto:").partition("?subject=")
    assert to == house.lakeside.reply_to
    came(letter("", from_="al@work.example", to=to, subject=subject.replace("%20", " ")))
    assert standing_of(alice, "email").suppressed_why == "link"


def test_no_mailto_where_nobody_reads(sent):
    """Rule 115: only what is handled is advertised."""
    assert "mailto" not in value(sent.raw, "List-Unsubscribe")


def test_stop_everything_by_mail_ends_the_texts_too(sent):
    """Rule 25, the other way round."""
    came(letter("Stop everything, no more contact please", answers=sent.message_id))
    assert sent.standing.suppressed_why == "link"
    assert standing_of(sent.client, "sms").suppressed_why == "link"
    assert not planned(sent.client, "sms").exists()


def test_a_strangers_stop_is_kept_and_nobody_writes_to_him(sent, house):
    """Rule 34 for mail: a later enrolment of that address is refused; From may be forged, so no answer leaves."""
    came(letter("unsubscribe", from_="zoe@example.net"))
    assert Suppression.objects.get().standing.clinic_id == house.lakeside.pk
    assert not Message.objects.filter(kind="stop_confirmation").exists()


def test_a_strangers_letter_is_none_of_ours(sent):
    """The desk's other post changes nothing."""
    before = builders.counts()
    came(letter("Do you have a free slot, and how much is it?", from_="zoe@example.net"))
    assert builders.counts() == before


def test_a_stop_ends_one_clinics_mails(sent, house):
    """Bob uses the same mailbox at Hillside: what was written to Lakeside's desk is about Lakeside (rule 25)."""
    bob = builders.bob(email="alice@example.com").client
    came(letter("stop"))
    assert sent.standing.suppressed_at
    assert standing_of(bob, "email").suppressed_at is None


def test_the_same_mail_twice_is_one(sent, settings):
    """By IMAP and by webhook, in two looks, after a new count of UIDs: one revocation, one confirmation."""
    raw = letter("stop", answers=sent.message_id)
    came(raw)
    by_mailbox(settings, raw, raw)
    assert Suppression.objects.count() == Inbound.objects.count() == 1


def test_a_late_read_stop_is_no_answer_to_a_newer_consent(sent):
    """She wrote on Monday, agreed anew on Tuesday, and the mailbox was shut until Wednesday: recorded, no effect."""
    came(letter("stop"), at=NOW - timedelta(days=3))
    assert sent.standing.suppressed_at is None
    assert Inbound.objects.count() == 1


def test_a_mailbox_is_read_on_from_where_it_was(sent, settings):
    """UIDs above the last one; a new UIDVALIDITY begins anew and takes nothing twice; a closed one is told."""
    with imap_server() as server:
        settings.MAILBOX_URL = server.url
        server.put(letter("Thank you"))
        assert mail_poll(longest=5.0) == 1
        assert mail_poll(longest=5.0) == 0
        server.put(letter("stop"))
        assert mail_poll(longest=5.0) == 1
        server.validity += 1
        assert mail_poll(longest=5.0) == 2
        assert Suppression.objects.count() == 1
        server.answers["EXAMINE"] = "NO such folder"
        assert mail_poll(longest=5.0) == 0
        assert Mailbox.objects.get().trouble == "folder: error"
        del server.answers["EXAMINE"]
        assert mail_poll(longest=5.0) == 0
        assert Mailbox.objects.get().trouble == ""


@pytest.mark.filterwarnings("ignore::celery.exceptions.CDeprecationWarning")  # how worker/tasks.py names its queues
def test_beat_asks_for_it_only_where_there_is_a_mailbox(sent, settings):
    """Off by default; twice within the five minutes of a confirmation (rule 22)."""
    from config.celery import _read_mailbox
    from worker.tasks import read_mailbox

    assert _read_mailbox() == {}
    with imap_server() as server:
        settings.MAILBOX_URL = server.url
        [entry] = _read_mailbox().values()
        assert (entry["task"], entry["schedule"]) == (read_mailbox.name, 120.0)
        server.put(letter("stop"))
        read_mailbox.run()
    assert sent.standing.suppressed_why == "link"


def test_one_mail_never_keeps_the_others(sent, settings):
    """Broken MIME, bombs and 10 MB before the stop: it is read all the same, and in time (P11)."""
    bombs = [
        b"", b"\x00\xff" * 5000, b"Content-Type: message/rfc822\n\n" * 9000, b"Subject: x\n\n" + b"y" * 10_000_000,
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5000)),
        b"From: " + b"(" * 30_000 + b"\n\nstop", b"Content-Type: text/html\n\n" + b"<a " * 80_000,
        b"Content-Type: text/plain; charset=punycode\n\n" + b"a-b" * 80_000, b"Subject: " + b"=?utf-8?b?" * 20_000,
    ]  # fmt: skip
    assert by_mailbox(settings, *bombs, letter("stop")) == len(bombs) + 1
    assert sent.standing.suppressed_why == "link"


def test_one_message_id_for_two_mails_hides_no_stop(sent):
    """P2: a mail program that numbers its mails badly; the STOP stands in the subject alone."""
    mail = letter("", subject="hello", message_id="<1@phone.example>")
    mail_in(mail, received_at=NOW, now=NOW)
    mail_in(mail.replace(b"hello", b"STOP"), received_at=NOW, now=NOW)
    assert sent.standing.suppressed_why == "link"


def test_a_mail_that_the_server_cannot_give_out_keeps_none_waiting(sent, settings):
    """P2: damaged in the mailbox, it is passed over once a later one is given out; a stop behind it still counts."""
    with imap_server() as server:
        settings.MAILBOX_URL = server.url
        server.damaged = {server.put(letter("hello")), server.put(letter("hello again"))}
        assert mail_poll(longest=5.0) == 0
        assert (Mailbox.objects.get().uid, Mailbox.objects.get().trouble) == (0, "fetch: refused")
        last = server.put(letter("stop"))
        assert mail_poll(longest=5.0) == 1
        assert (Mailbox.objects.get().uid, Mailbox.objects.get().trouble) == (last, "")
    assert sent.standing.suppressed_why == "link"


def test_a_mail_that_we_fail_on_is_left_behind(sent, settings, monkeypatch):
    """Should our own reading have a fault, the stop behind that mail still counts (P2)."""
    reads = iter([ArithmeticError])

    def faulty(raw):
        for error in reads:
            raise error
        return incoming.read(raw)

    monkeypatch.setattr("worker.actions.mail.incoming.read", faulty)
    assert by_mailbox(settings, letter("hello"), letter("stop")) == 2
    assert sent.standing.suppressed_why == "link"


def test_a_mail_waits_while_the_database_cannot_keep_it(sent, settings):
    """Nothing is half done, and the mail comes again (rule 33)."""

    def full(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "aftercare_inbound"'):
            raise OperationalError
        return execute(sql, params, many, context)

    with imap_server() as server:
        settings.MAILBOX_URL = server.url
        server.put(letter("stop"))
        with connection.execute_wrapper(full):
            assert mail_poll(longest=5.0) == 0
        assert sent.standing.suppressed_at is None
        assert mail_poll(longest=5.0) == 1
        assert sent.standing.suppressed_at


def test_nothing_of_a_mail_is_logged(sent, settings, caplog, capfd):
    """No address, no word, no token (P9, rule 60)."""
    caplog.set_level("DEBUG")
    by_mailbox(settings, letter("please stop ZZCANARYZZ", answers=sent.message_id), dsn(to=sent.return_path))
    out = capfd.readouterr()
    told = caplog.text + out.out + out.err
    assert "mail_in" in told
    for secret in ("ZZCANARYZZ", "example.com", "bounce+", "desk", sent.message_id):
        assert secret not in told


PIECES = st.sampled_from(
    [
        *("Content-Type: multipart/report; boundary=x\r\n", "\r\n--x\r\n", "Action: failed\r\n", "Status: 5.1.1\r\n"),
        *("Content-Type: message/delivery-status\r\n\r\n", "Feedback-Type: abuse\r\n", "\r\n\r\n", "stop", "<>"),
        *("Content-Type: message/feedback-report\r\n\r\n", "Content-Type: message/rfc822\r\n\r\n", "--x--\r\n"),
        *("From: alice@example.net\r\n", "To: bounce+", "a" * 48, "@lakeside.example\r\n", "Message-ID: <", ">\r\n"),
        *("Subject: ", "=?utf-8?b?", "?=", "References: <", "Content-Disposition: ", "charset*0*=''", "\r\n\t", ";"),
        *("Content-Type: text/html; charset=", "=?utf-8?q?", "Content-Transfer-Encoding: base64\r\n", "\x00", "é"),
    ]
)
MAILS = st.one_of(
    st.binary(max_size=3000),
    st.lists(st.one_of(PIECES, st.text(max_size=20)), max_size=25).map(lambda p: "".join(p).encode("utf-8", "replace")),
)


@given(raw=MAILS)
@effort(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_at_all_do_anything_without_a_token_of_ours(sent, raw):
    """Any bytes: no exception, and nobody whom we write to is touched (rules 126, 127; P12)."""
    mail_in(raw, received_at=datetime(2027, 1, 12, tzinfo=UTC), now=NOW)
    assert sent.standing.suppressed_at is None
    assert sent.standing.held_at is None
    assert not Receipt.objects.exists()
