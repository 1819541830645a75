"""Of a mail only what the person wrote is read (rule 17, rule 124)."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from worker.channels.incoming import read
from worker.channels.own_words import unquoted

HEAD = "Content-Type: text/html; charset=utf-8\n\n"

PLAIN = [
    ("please stop", "please stop"),
    ("stop\n\nOn Tue, 12 Jan 2027 at 10:00, Clinic <care@x.example> wrote:\n> Reply STOP", "stop"),
    ("stop\n\nOn Tue, 12 Jan 2027 at 10:00, Clinic\n<care@x.example> wrote:\n\n> a\n> b", "stop"),
    ("halt\n\nAm 12.01.2027 um 10:00 schrieb Clinic:\n> a", "halt"),
    ("arrêt\n\nLe mar. 12 janv. 2027 à 10:00, Clinic a écrit :\n> a", "arrêt"),
    ("basta\n\nEl mar, 12 ene 2027, Clinic escribió:\n> a", "basta"),
    ("basta\n\nIl giorno mar 12 gen 2027 Clinic ha scritto:\n> a", "basta"),
    ("parar\n\nEm ter., 12 de jan. de 2027, Clinic escreveu:\n> a", "parar"),
    ("> a\n> b\n\nbelow the quotation", "below the quotation"),
    ("stop\n\n-----Original Message-----\nFrom: Clinic\nno mark here", "stop"),
    ("stop\n\nFrom: Clinic\nSent: Tuesday\nTo: Alice\nSubject: x\n\nno mark here", "stop"),
    ("stop\n\nVon: Clinic\nGesendet: Dienstag\nAn: Alice\n\nohne Zeichen", "stop"),
    ("stop\n________________________________\nFrom: Clinic", "stop"),
    ("stop\n\n-- \nAlice Moreau\nSales", "stop"),
    ("stop\n\nSent from my iPhone", "stop"),
    ("On the other hand I wrote:\nplease stop", "please stop"),
    ("", ""),
    ("\r\n\r\n> only quotation\r\n", ""),
]


@pytest.mark.parametrize(("text", "words"), PLAIN)
def test_quotation_and_signature_fall_away(text, words):
    """As mail programs write them, in six languages; an answer below the quotation is kept."""
    assert unquoted(text) == words


PAGES = [
    ("<html><head><style>p{}</style><title>t</title></head><body><p>Please <b>stop</b></p></body>", "Please stop"),
    ("<p>stop&nbsp;now &amp; ever</p>", "stop\xa0now & ever"),
    ("<div>stop</div><div class='gmail_quote'><div>a</div>b</div><p>thanks</p>", "stop\n\nthanks"),
    ("<p>stop</p><blockquote type=cite><blockquote>a</blockquote>b</blockquote>", "stop"),
    ("<p>stop</p><div id='appendonsend'></div><p>unmarked</p>", "stop"),
    ("<p>stop</p><div id='divRplyFwdMsg'>From:</div>unmarked", "stop"),
    ("stop<!-- <p>no</p> --> please", "stop please"),
    ("3 < 4, stop", "3 < 4, stop"),
    ("<script>stop()</script>hello", "hello"),
]


@pytest.mark.parametrize(("page", "words"), PAGES)
def test_of_a_page_only_what_is_seen_and_new_is_read(page, words):
    """Mail programs without a plain part."""
    assert read(f"{HEAD}{page}".encode()).words == words


PARTS = "Content-Type: multipart/alternative; boundary=b\n\n--b\n{}\n--b\n{}\n--b--\n"


def test_the_plain_part_is_read_and_the_page_only_without_it():
    """Two parts of the same words are one answer; a file is none."""
    plain, page = "Content-Type: text/plain\n\nstop", "Content-Type: text/html\n\n<p>page</p>"
    assert read(PARTS.format(page, plain).encode()).words == "stop"
    file = "Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nunsubscribe"
    assert read(PARTS.format(file, page).encode()).words == "page"


@pytest.mark.parametrize(
    ("charset", "raw"),
    [
        *(("iso-8859-1", b"arr\xeat"), ("windows-1252", b"arr\xeat"), ("utf-8", b"arr\xc3\xaat")),
        *(("utf-16le", "arrêt".encode("utf-16le")), ("x-unheard-of", b"arr\xc3\xaat"), ("idna", b"arr\xc3\xaat")),
    ],
)
def test_words_are_read_in_the_charset_that_they_are_in(charset, raw):
    """And in UTF-8 where the name means nothing, or something else than a charset."""
    assert read(b"Content-Type: text/plain; charset=%s\n\n%s" % (charset.encode(), raw)).words == "arrêt"


@pytest.mark.parametrize(
    ("subject", "plain"),
    [
        *(("Re: Re: stop", "stop"), ("AW: WG: stop", "stop"), ("RE[2]: stop", "stop"), ("stop", "stop")),
        *(("=?utf-8?q?arr=C3=AAt?=", "arrêt"), ("=?utf-8?b?a?=", "=?utf-8?b?a?="), ("Regarding: x", "Regarding: x")),
    ],
)
def test_a_subject_is_read_without_its_re(subject, plain):
    """Encoded words decoded, broken ones as they stand."""
    assert read(f"Subject: {subject}\n\n".encode()).subject == plain


@pytest.mark.parametrize(
    ("from_", "sender"),
    [
        *(("alice@example.com", "alice@example.com"), ("A <Alice@Example.COM>", "alice@example.com")),
        *(('"bob@x.example" <alice@example.com>', "alice@example.com"), ("a@x.example, b@x.example", ""), ("", "")),
        *(("<a@x.example> <b@x.example>", ""), ("undisclosed", ""), ("(" * 3000, ""), ("\x00@x.example", "")),
    ],
)
def test_the_sender_is_one_address_or_nobody(from_, sender):
    """A name that looks like an address is a name."""
    assert read(f"From: {from_}\n\nx".encode()).sender == sender


def test_two_senders_are_nobody():
    """RFC 5322 3.6 has one From."""
    assert read(b"From: a@x.example\nFrom: b@x.example\n\nstop").sender == ""


BOMBS = [
    b"Content-Type: message/rfc822\n\n" * 9000,
    b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(25)) + b"x\n" * 100_000,
    b"Content-Type: text/html\n\n" + b"<a " * 85_000,
    b"Content-Type: text/html\n\n" + b"<blockquote>" * 20_000,
    b"From: " + b"(" * 100_000 + b"\nTo: " + b"@" * 100_000 + b"\n\n" + b"On " * 20_000,
    b"Content-Type: text/plain; " + b"charset*0*=''x;" * 12_000 + b"\n\nx",
    b"Content-Type: text/plain; charset=punycode\n\n" + b"a-b" * 80_000,
    b"\n".join(b"X%d: y" % n for n in range(30_000)),
]


@pytest.mark.parametrize("bomb", BOMBS, ids=range(len(BOMBS)))
def test_no_mail_takes_long(bomb):
    """CPU time, not the wall clock's: each took up to two minutes in a reader that was tried before."""
    before = time.process_time()
    read(bomb)
    assert time.process_time() - before < 10


@given(st.binary(max_size=4000))
@effort(max_examples=300, deadline=None)
def test_any_bytes_are_read(raw):
    """P12: whatever comes, an answer."""
    found = read(raw)
    assert len(found.key) == 64
    assert found.report is None or found.report.traces is not None


@given(st.text(max_size=400))
@effort(max_examples=300, deadline=None)
def test_words_without_quotation_are_kept(text):
    """What a person wrote in one plain line is never cut (rule 17)."""
    line = " ".join(text.replace(">", "").replace(":", "").replace("-", "").replace("_", "").split())
    if not line.lower().startswith(("sent", "get", "von", "gesendet", "envoyé", "enviado", "inviato")):
        assert unquoted(line).split() == line.split()
