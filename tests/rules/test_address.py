"""Email addresses: one plain addr-spec or a refusal (rules 67, 121)."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.rules.address import masked_email, normalise_email, parse_email
from worker.rules.refusal import Refusal


@pytest.mark.parametrize(
    ("raw", "send_to", "folded"),
    [
        ("alice@example.com", "alice@example.com", "alice@example.com"),
        (" Alice.O'Hara+Care@Example.COM ", "Alice.O'Hara+Care@example.com", "alice.o'hara+care@example.com"),
        ("alice@münchen.example", "alice@xn--mnchen-3ya.example", "alice@xn--mnchen-3ya.example"),
        ("alice@xn--mnchen-3ya.example", "alice@xn--mnchen-3ya.example", "alice@xn--mnchen-3ya.example"),
        ("a@b。example", "a@b.example", "a@b.example"),
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com", "a" * 64 + "@example.com"),
    ],
)
def test_an_address_keeps_its_case_for_sending_and_loses_it_for_the_fingerprint(raw, send_to, folded):
    """P2: a suppression is not dodged by a capital; rule 121 for the form."""
    email = parse_email(raw)
    assert (email.send_to, email.folded, email.raw) == (send_to, folded, raw)
    assert normalise_email(raw) == (send_to, folded)


REFUSED = [
    *("", "@", "alice", "alice@", "@example.com", "alice@example", "alice@@example.com", "a@b@example.com"),
    *("x@y.com, z@w.com", "x@y.com;z@w.com", "x@y.com z@w.com", "Alice <alice@example.com>", "<alice@example.com>"),
    *("alice@example.com (home)", "(c)alice@example.com", '"alice b"@example.com', '"alice"@example.com'),
    *("alice\x00@example.com", "alice@example.com\x00", "alice@example.com\r\nBcc: z@w.com", "alice\t@example.com"),
    *("alice\x0b@example.com", "alice\u2028@example.com", "alice\x85@example.com", "alice\u200b@example.com"),
    *(
        "alice@exam\u202eple.com",
        "alice@exam\u200bple.com",
        "alice@exa\u00admple.com",
        "alice@exa\u200dmple.com",
        "ali\ud800ce@example.com",
        "alice\x7f@example.com",
    ),
    *(".alice@example.com", "alice.@example.com", "al..ice@example.com", "älice@example.com", "a,b@example.com"),
    *("alice@[192.0.2.1]", "alice@192.0.2.1", "alice@example.com.", "alice@.example.com", "alice@example..com"),
    *("alice@-example.com", "alice@example-.com", "alice@exa_mple.com", "alice@example.123", "alice@ex ample.com"),
    *(
        "a" * 65 + "@example.com",
        "a@" + "b" * 64 + ".com",
        "a@" + "b." * 130 + "com",
        "alice@xn--\u00fc.com",
        "alice@xn--a.com",
        "alice@xn--ls8h.com",
    ),
    *("alice＠example.com", "mailto:alice@example.com", "alice@example.com?subject=x", "alice@example.com>\n"),
]


@pytest.mark.parametrize("raw", REFUSED)
def test_everything_else_is_refused_with_field_and_mend(raw):
    """Rule 121: NUL, line ends, two addresses, names, comments, literals, lengths; the value is never repeated (P9)."""
    with pytest.raises(Refusal) as refused:
        parse_email(raw, field="client.email")
    assert refused.value.field == "client.email"
    assert refused.value.mend
    assert "alice" not in str(refused.value)


@pytest.mark.parametrize("raw", ["x@y.com, z@w.com", "x@y.com z@w.com", "a@b@example.com", "Alice <alice@example.com>"])
def test_two_addresses_or_a_name_are_called_so(raw):
    """Rule 121: the mend for two addresses is to give one."""
    with pytest.raises(Refusal, match="not one email address"):
        parse_email(raw)


LIKELY = st.sampled_from([*"aZ9.@+-_',;<>\"()[]: \r\n\x00\u200b\u2028é。", "example", ".com", "xn--", "@b.com"])


@settings(max_examples=500, deadline=None)
@given(st.lists(LIKELY, max_size=14).map("".join))
def test_what_passes_is_one_recipient_of_one_mail(raw):
    """Rule 121: the email library reads back exactly the one address, and reading it again changes nothing."""
    try:
        email = parse_email(raw)
    except Refusal:
        return
    message = EmailMessage()
    message["To"] = Address(addr_spec=email.send_to)
    assert [address.addr_spec for address in message["To"].addresses] == [email.send_to]
    assert email.send_to.isascii()
    assert len(email.send_to) <= 254
    assert parse_email(email.send_to).send_to == email.send_to
    assert parse_email(email.folded).folded == email.folded


def test_fingerprints_agree_however_the_domain_is_written():
    """P2: one mailbox, one fingerprint, by A-label, U-label or capitals."""
    forms = [
        "alice@münchen.example",
        "ALICE@MÜNCHEN.example",
        "Alice@XN--MNCHEN-3YA.Example",
        "alice@mu\u0308nchen.example",
    ]
    assert {parse_email(form).folded for form in forms} == {"alice@xn--mnchen-3ya.example"}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("alice@example.com", "a•••••@e•••••.com"),
        ("bob@mail.example.co.uk", "b•••••@m•••••.uk"),
        ("alice", "•••••"),
        ("alice@host", "•••••"),
        ("", "•••••"),
    ],
)
def test_operators_see_a_mask(address, shown):
    """Rule 67: enough to tell two apart, too little to write to."""
    assert masked_email(address) == shown
