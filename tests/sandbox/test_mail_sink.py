"""The mail sink: real SMTP, raw bytes kept, one-click unsubscribing as a mailbox does it (rules 109-112 and 119)."""

from __future__ import annotations

import base64
import smtplib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.sandbox.provider.client import SandboxError
from worker.sandbox.provider.reading import read

ONE_CLICK = {"List_Unsubscribe_Post": "List-Unsubscribe=One-Click"}


def _link(outside):
    return f"<{outside.receiver.url}/u/token>"


def test_a_mail_is_kept_to_the_byte_with_its_envelope(outside):
    """The witness keeps what came over the wire: dots, bare bytes, the envelope, not the headers."""
    before = outside.mark()
    head = b"From: Clinic <desk@clinic.example>\r\nTo: someone@else.example\r\nSubject: =?utf-8?q?D=C3=ADa_1?=\r\n\r\n"
    raw = head + b"..\r\n.dot\r\n\xff\r\n"
    assert outside.raw_mail(raw, to="alice@example.com") == {}
    (entry,) = outside.log("mail", since=before)
    assert base64.b64decode(entry["raw"]) == raw
    assert (entry["mail_from"], entry["rcpt"]) == ("bounce@clinic.example", ["alice@example.com"])
    assert entry["subject"] == "Día 1"
    kept = outside.folder / "state" / f"mail-{entry['number']:06d}.eml"
    assert kept.read_bytes() == raw


def test_text_html_and_the_unsubscribe_header_are_read(outside):
    """Rule 109: parsed for display."""
    before = outside.mark()
    outside.mail(html="<p>Keep it dry.</p>", List_Unsubscribe=_link(outside), **ONE_CLICK)
    (entry,) = outside.log("mail", since=before)
    assert entry["text"].strip() == "Keep it dry."
    assert entry["list_unsubscribe"] == [f"{outside.receiver.url}/u/token"]
    assert entry["one_click"] is True


def test_the_one_click_post_is_the_one_of_rfc_8058(outside, receiver):
    """Rule 112: POST List-Unsubscribe=One-Click, no cookies; a 2xx is done."""
    outside.mail(to="Alice@Example.com", List_Unsubscribe=f"<mailto:u@clinic.example>, {_link(outside)}", **ONE_CLICK)
    report = outside.sandbox.unsubscribe("alice@example.com")
    assert (report["status"], report["done"]) == (200, True)
    (heard,) = receiver.heard
    assert (heard.path, heard.form) == ("/u/token", {"List-Unsubscribe": "One-Click"})
    assert "Cookie" not in heard.headers


@pytest.mark.parametrize("status", [302, 403, 500])
def test_an_answer_that_is_not_2xx_is_not_done(outside, receiver, status):
    """Rule 112: no redirect, and an error is an error."""
    outside.mail(List_Unsubscribe=_link(outside), **ONE_CLICK)
    receiver.answers[:] = [(status, "")]
    report = outside.sandbox.unsubscribe("alice@example.com")
    assert (report["status"], report["done"], len(receiver.heard)) == (status, False, 1)


@pytest.mark.parametrize(
    ("headers", "lack"),
    [
        ({}, "List-Unsubscribe"),
        ({"List_Unsubscribe": "<mailto:u@clinic.example>", **ONE_CLICK}, "List-Unsubscribe"),
        ({"List_Unsubscribe": "<http://127.0.0.1/u/x>"}, "List-Unsubscribe-Post"),
        ({"List_Unsubscribe": "<http://127.0.0.1/u/x>", "List_Unsubscribe_Post": "one-click"}, "List-Unsubscribe-Post"),
    ],
)
def test_a_mail_without_the_button_cannot_be_unsubscribed(outside, receiver, headers, lack):
    """Rule 109: both headers, exactly; a real mailbox would show no button."""
    outside.mail(**headers)
    with pytest.raises(SandboxError, match=f"^{lack}:"):
        outside.sandbox.unsubscribe("alice@example.com")
    assert receiver.heard == []


def test_a_header_that_python_garbled_is_not_repaired():
    """Rule 110: an RFC 2047 word in List-Unsubscribe is dead, and is shown dead."""
    assert read(b"List-Unsubscribe: =?utf-8?q?=3Chttps=3A//x.example/u=3E?=\r\n\r\nx").list_unsubscribe == ()
    assert (
        read(b"List-Unsubscribe: <https://a.example>\r\nList-Unsubscribe: <https://b.example>\r\n\r\n").list_unsubscribe
        == ()
    )
    assert read(b"List-Unsubscribe:\r\n <https://a.example/u>\r\n\r\n").list_unsubscribe == ("https://a.example/u",)


def test_nobody_to_unsubscribe(outside):
    """P12: an address that got no mail."""
    with pytest.raises(SandboxError, match=r"^email:"):
        outside.sandbox.unsubscribe("nobody@example.com")


@pytest.mark.parametrize(
    ("stage", "reply", "error"),
    [
        ("mail", "451 4.7.0 Slow down", smtplib.SMTPSenderRefused),
        ("rcpt", "550 5.1.1 No such user", smtplib.SMTPRecipientsRefused),
        ("rcpt", "552 5.2.2 Mailbox full", smtplib.SMTPRecipientsRefused),
        ("data", "554 5.7.1 Policy", smtplib.SMTPDataError),
        ("connect", "554 5.3.2 Not now", smtplib.SMTPConnectError),
    ],
)
def test_smtp_fails_where_and_how_it_is_told(outside, stage, reply, error):
    """Rule 125: 4xx and 5xx with enhanced codes, at each stage; nothing is kept, the next mail goes through."""
    outside.sandbox.faults(smtp=[{"stage": stage, "reply": reply}])
    before = outside.mark()
    with pytest.raises(error) as refused:
        outside.mail()
    assert reply[:3] in str(refused.value)
    assert reply[4:] in str(refused.value)
    assert [entry["kind"] for entry in outside.log("mail", "mail_refused", since=before)] == ["mail_refused"]
    assert outside.mail() == {}


def test_a_mail_is_kept_and_the_line_dropped(outside):
    """Rule 119: the final reply is lost; the mail is there all the same."""
    outside.sandbox.faults(smtp=[{"stage": "drop"}])
    before = outside.mark()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        outside.mail()
    (entry,) = outside.log("mail", since=before)
    assert (entry["accepted"], entry["answer"]) == (True, None)


def test_any_login_will_do(outside):
    """EMAIL_URL with a user and a password works against the sandbox."""
    with smtplib.SMTP("127.0.0.1", outside.smtp, timeout=20) as line:
        assert line.login("user", "pass")[0] == 235


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=400)
    | st.lists(
        st.sampled_from(
            [
                b"Subject: ",
                b"=?utf-8?b?!!?=",
                b"=?x?q?a?=",
                b"\r\n",
                b"Content-Type: text/html; charset=nope\r\n",
                b"Content-Type: multipart/mixed; boundary=x\r\n",
                b"\r\n--x\r\n",
                b"--x--",
                b"List-Unsubscribe: <",
                b"Content-Transfer-Encoding: base64\r\n",
                b"Content-Type: text/plain; charset*=utf-8''%ff\r\n",
                b"\xff\x00",
                b"<p>",
            ]
        ),
        max_size=20,
    ).map(b"".join)
)
def test_no_bytes_break_the_reading(raw):
    """Every byte of a mail is hostile: reading it never raises and always gives text."""
    reading = read(raw)
    assert all(isinstance(text, str) for text in (reading.subject, reading.text, reading.html, reading.message_id))
