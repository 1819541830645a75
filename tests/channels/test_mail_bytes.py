"""The bytes of a mail: nobody can add a header or a reader, and the unsubscribe button lives (rules 109 to 123)."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from tests.channels.relays import ALICE
from worker.channels.mail_bytes import message_id, page, raw
from worker.rules.refusal import Refusal

if TYPE_CHECKING:
    from worker.channels.base import Mail

HEADERS = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Language",
    "Content-Type",
]
BREAKS = ["\r", "\n", "\r\n", "\0", "\x0b", "\x0c", "\x1c", "\x1e", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"]
TRICKS = [
    "Bcc: bob@example.com",
    ", bob@example.com",
    "=?utf-8?q?=0D=0ABcc:?=",
    '"',
    "<",
    ">",
    "\\",
    ";",
    ":",
    "(",
    ")",
    "@",
]
ADDRESSES = ("to", "from_address", "reply_to", "envelope_sender")
IDENTIFIERS = ("message_id", "list_id", "unsubscribe_url", "language", "auto_submitted")


def parsed(mail: Mail) -> EmailMessage:
    message = message_from_bytes(raw(mail), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def header_lines(mail: Mail) -> list[bytes]:
    """The header fields as they are on the wire, unfolded by nobody."""
    return re.split(rb"\r\n(?![ \t])", raw(mail).partition(b"\r\n\r\n")[0])


def read(wire: bytes, name: str) -> str:
    """A header as a mail program decodes it; policy.default puts spaces between encoded words of a name."""
    return str(make_header(decode_header(message_from_bytes(wire, policy=policy.compat32)[name])))


def split(sender: str) -> tuple[str, str]:
    name, _, address = sender.rpartition(" ")
    return name, address.removeprefix("<").removesuffix(">")


def words(*extra: str) -> st.SearchStrategy[str]:
    """What a hostile or merely unlucky person would type on one line."""
    seen = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12)
    pieces = st.one_of(seen, st.sampled_from([*extra, *TRICKS, "Ñandú", "日本語", "👩‍👩‍👧", "  "]))
    return st.lists(pieces, min_size=1, max_size=6).map("".join).filter(str.strip)


def test_one_click_to_the_letter() -> None:
    """Exactly one List-Unsubscribe with the one https URI, and the one-click line byte for byte (rules 109, 110)."""
    lines = header_lines(ALICE)
    assert [line for line in lines if line.lower().startswith(b"list-unsubscribe:")] == [
        b"List-Unsubscribe: <https://clinic.example/u/" + b"t" * 120 + b">"
    ]
    assert [line for line in lines if line.lower().startswith(b"list-unsubscribe-post:")] == [
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click"
    ]


def test_says_that_a_machine_wrote_it_and_on_which_list() -> None:
    """Auto-Submitted and List-Id stand once, and an answer says auto-replied (rules 116, 117)."""
    message = parsed(ALICE)
    assert message.get_all("Auto-Submitted") == ["auto-generated"]
    assert message.get_all("List-Id") == ["<aftercare.clinic.example>"]
    assert parsed(replace(ALICE, auto_submitted="auto-replied"))["Auto-Submitted"] == "auto-replied"


def test_text_first_then_html_with_its_language() -> None:
    """multipart/alternative, text first, both UTF-8 in quoted-printable, the page in its language (rule 120)."""
    mail = replace(ALICE, language="es-MX", text="¡Hola!\n", html="<p>¡Hola!</p>")
    message = parsed(mail)
    assert message.get_content_type() == "multipart/alternative"
    parts = list(message.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert {(part.get_content_charset(), part["Content-Transfer-Encoding"]) for part in parts} == {
        ("utf-8", "quoted-printable")
    }
    html = parts[1].get_content().replace("\r\n", "\n")
    assert html == page(mail)
    assert html.startswith('<!DOCTYPE html>\n<html lang="es-MX">')
    assert "<p>¡Hola!</p>\n</body>\n</html>" in html


def test_the_page_title_is_words_not_markup() -> None:
    """A subject with markup stays words in the page around the approved HTML (rule 121)."""
    assert "<title>&lt;/title&gt;&lt;script&gt;</title>" in page(replace(ALICE, subject="</title><script>"))


@runs(max_examples=150, deadline=None)
@example(subject="0", name="\xa0Bcc: bob@example.com", text="0", html="0")
@given(subject=words(), name=words(), text=words("\n.\n", "\r", "--=_", "From ", "\t"), html=words("\r\n.\r\n"))
def test_nothing_a_person_typed_becomes_a_header(subject: str, name: str, text: str, html: str) -> None:
    """Whatever is typed reads back as typed, under the same headers, to one reader (rules 110, 120, 121)."""
    mail = replace(ALICE, subject=subject, from_name=name, text=text, html=html)
    wire = raw(mail)
    message = message_from_bytes(wire, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert message.keys() == HEADERS
    assert [address.addr_spec for address in message["To"].addresses] == ["alice@example.com"]
    assert read(wire, "Subject") == subject.strip()
    named = " ".join(name.split())  # a no-break space at an end goes with the others, and leaves plain ASCII
    said = read(wire, "From")
    shown, address = parseaddr(said) if named.isascii() and "=?" not in named else split(said)
    assert (shown, address) == (named, "care@clinic.example")
    first, second = message.iter_parts()
    assert first.get_content().replace("\r\n", "\n") == text.replace("\r\n", "\n").replace("\r", "\n")
    assert second.get_content().replace("\r\n", "\n") == page(mail).replace("\r\n", "\n").replace("\r", "\n")
    assert not [defect for part in message.walk() for defect in part.defects]
    assert_fit_for_the_wire(wire)


def assert_fit_for_the_wire(wire: bytes) -> None:
    """ASCII, CRLF only, lines of at most 998, and of 76 where anything is encoded (RFC 5322 2.1.1, RFC 2047 2)."""
    assert wire.isascii()
    assert wire.endswith(b"\r\n")
    assert wire.count(b"\r") == wire.count(b"\n") == wire.count(b"\r\n")
    head, _, body = wire.partition(b"\r\n\r\n")
    assert max(map(len, body.split(b"\r\n"))) <= 76
    lines = head.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert all(len(line) <= 76 for line in lines if b"=?" in line)
    assert not [
        line for line in lines if b"=?" in line and line.startswith((b"List-", b"Message-ID", b"To:", b"Reply-"))
    ]


@runs(max_examples=100, deadline=None)
@given(words(), st.sampled_from(BREAKS), words(), st.sampled_from(["subject", "from_name"]))
def test_refuses_a_break_wherever_it_stands(before: str, broken: str, after: str, field: str) -> None:
    """A line end or control character in the midst of any words is refused (rule 121)."""
    with pytest.raises(Refusal, match=field):
        raw(replace(ALICE, **{field: before + broken + after}))


@pytest.mark.parametrize("field", ["subject", "from_name", *ADDRESSES, *IDENTIFIERS])
@pytest.mark.parametrize("broken", BREAKS)
def test_refuses_control_characters_in_every_header(field: str, broken: str) -> None:
    """CR, LF, NUL, U+2028 and kin are refused in every field that becomes a header, by the field's name (rule 121)."""
    value = getattr(ALICE, field)
    middle = len(value) // 2
    with pytest.raises(Refusal) as refusal:
        raw(replace(ALICE, **{field: value[:middle] + broken + value[middle:]}))
    assert refusal.value.field == field


@pytest.mark.parametrize("field", ADDRESSES)
@pytest.mark.parametrize(
    "address",
    [
        "alice@example.com, bob@example.com",
        "alice@example.com;bob@example.com",
        "alice@example.com bob@example.com",
        "Alice <alice@example.com>",
        "<alice@example.com>",
        "alice@example.com>\r\nRCPT TO:<bob@example.com",
        '"alice@example.com, bob"@example.com',
        "alice",
        "",
    ],
)
def test_refuses_more_or_less_than_one_address(field: str, address: str) -> None:
    """One client's advice never goes to two people: anything but one addr-spec is refused (rule 121, P9)."""
    with pytest.raises(Refusal) as refusal:
        raw(replace(ALICE, **{field: address}))
    assert refusal.value.field == field
    assert "alice" not in str(refusal.value)


@runs(max_examples=200, deadline=None)
@given(
    field=st.sampled_from([*ADDRESSES, *IDENTIFIERS]),
    at=st.integers(0, 200),
    piece=st.one_of(st.sampled_from([*BREAKS, *TRICKS, " ", "é"]), st.text(min_size=1, max_size=5)),
)
def test_no_identifier_carries_anything_else(field: str, at: int, piece: str) -> None:
    """An address, id or URL with something slipped in is refused, or still reads back as one plain value (rule 121)."""
    value = getattr(ALICE, field)
    at %= len(value) + 1
    try:
        wire = raw(replace(ALICE, **{field: value[:at] + piece + value[at:]}))
    except Refusal:
        return
    assert message_from_bytes(wire, policy=policy.compat32).keys() == HEADERS
    for name in ("To", "Reply-To", "From"):
        assert len(message_from_bytes(wire, policy=policy.default)[name].addresses) == 1
    assert_fit_for_the_wire(wire)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("unsubscribe_url", "mailto:stop@clinic.example"),
        ("unsubscribe_url", "https://clinic.example/u/t>,<mailto:bob@example.com"),
        ("unsubscribe_url", "https://clinic.example/u/" + "t" * 900),
        ("unsubscribe_url", "https://care@clinic.example/u/t"),
        ("list_id", "Clinic <aftercare.clinic.example>"),
        ("list_id", "a." + "b" * 255),
        ("message_id", "9b1f0c@mail.clinic.example"),
        ("language", "english please"),
        ("auto_submitted", "no"),
        ("subject", "x" * 251),
        ("subject", "   "),
        ("from_name", ""),
        ("text", " \n"),
        ("html", "<p>\0</p>"),
    ],
)
def test_refuses_what_would_mislead_a_mailbox(field: str, value: str) -> None:
    """Each header keeps to its form, and neither part is empty (rules 109, 116, 117, 118, 120)."""
    with pytest.raises(Refusal) as refusal:
        raw(replace(ALICE, **{field: value}))
    assert refusal.value.field == field


def test_plain_http_unsubscribes_only_in_the_sandbox(settings) -> None:
    """A plain http link would kill one-click for a real client, so it stays in the sandbox (rule 109)."""
    local = replace(ALICE, unsubscribe_url="http://127.0.0.1:8000/u/t")
    settings.EMAIL_URL = "sandbox"
    assert parsed(local)["List-Unsubscribe"] == "<http://127.0.0.1:8000/u/t>"
    settings.EMAIL_URL = "smtp://mail.clinic.example"
    with pytest.raises(Refusal):
        raw(local)


@runs(max_examples=60, deadline=None)
@given(st.uuids(), st.uuids(), st.binary(min_size=32, max_size=32))
def test_message_id_tells_retries_from_new_words(delivery: object, other: object, key: bytes) -> None:
    """Same delivery and content: same id; anything else: another; and it holds neither (rules 118, 123)."""
    made = message_id(key, str(delivery), "c" * 64, "mail.clinic.example")
    assert made == message_id(key, str(delivery), "c" * 64, "mail.clinic.example")
    assert made != message_id(key, str(delivery), "d" * 64, "mail.clinic.example")
    assert made != message_id(key + b"x", str(delivery), "c" * 64, "mail.clinic.example")
    assert (made == message_id(key, str(other), "c" * 64, "mail.clinic.example")) == (delivery == other)
    assert str(delivery) not in made
    assert parsed(replace(ALICE, message_id=made))["Message-ID"] == made


def test_message_id_refuses_a_domain_that_is_none() -> None:
    """A mail domain with anything else in it never becomes a header (rule 121)."""
    with pytest.raises(Refusal, match="mail_domain"):
        message_id(b"k" * 32, "d", "c" * 64, "clinic.example>\r\nBcc: bob@example.com")
