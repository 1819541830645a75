"""The mailbox is looked at and never changed, whatever its server does (rules 124, P9, P12)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from config.environment import BadSetting
from tests.channels.imap_server import HANG_UP, SILENCE, imap_server
from worker.channels import mailbox
from worker.channels.incoming import LARGEST

AT = datetime(2027, 1, 12, 15, 0, tzinfo=UTC)


def test_new_mails_come_oldest_first_and_nothing_is_marked():
    """Rule 124: the staff who read there too see every mail as unread as it came."""
    with imap_server() as server:
        uids = [server.put(b"Subject: %d\n\n" % n, at=AT + timedelta(hours=n)) for n in range(3)]
        with mailbox.opened(mailbox.box(server.url)) as session:
            assert session.validity == 7
            assert session.after(0) == uids
            assert session.after(uids[0]) == uids[1:]
            assert session.after(uids[-1]) == []
            letter = session.letter(uids[1])
        assert (letter.uid, letter.received_at, letter.raw) == (uids[1], AT + timedelta(hours=1), b"Subject: 1\n\n")
        assert {line.split()[0] for line in server.heard} == {"CAPABILITY", "LOGIN", "EXAMINE", "UID", "LOGOUT"}
        assert not server.flags_changed


def test_only_the_head_of_a_huge_mail_is_fetched():
    """Ten megabytes of pictures never reach our memory."""
    with imap_server() as server:
        uid = server.put(b"Subject: holiday\n\n" + b"x" * 10_000_000)
        with mailbox.opened(mailbox.box(server.url)) as session:
            assert len(session.letter(uid).raw) == LARGEST


def test_a_mail_that_is_gone_meanwhile_is_none():
    """Staff may delete one between our question and its answer."""
    with imap_server() as server, mailbox.opened(mailbox.box(server.url)) as session:
        assert session.letter(5) is None


def test_a_mailbox_never_read_is_looked_back_at_by_days():
    """SINCE takes a day in English, whatever this machine speaks."""
    with imap_server() as server:
        server.put(b"old\n\n", at=AT - timedelta(days=30))
        new = server.put(b"new\n\n", at=AT)
        with mailbox.opened(mailbox.box(server.url)) as session:
            assert session.after(0, since=AT - timedelta(days=14)) == [new]
        assert any("SINCE 29-Dec-2026" in line for line in server.heard)


@pytest.mark.parametrize("verb", ["login", "examine", "search", "fetch"])
@pytest.mark.parametrize("answer", [HANG_UP, "NO why", "NO", "BAD what", "* BYE", "OK done", SILENCE])
def test_a_broken_server_is_an_answer_in_words_and_never_a_wait(verb, answer):
    """Every step ends: the words name it and no address, user or password (P9)."""
    with imap_server(**{verb: answer}) as server:
        server.put(b"x\n\n")
        told = _looked_through(mailbox.box(server.url))
    assert told.partition(":")[0] in {"", "login", "folder", "search", "fetch"}
    assert "desk" not in told


def _looked_through(there):
    """Why the mailbox was closed to us, "" when it was not."""
    try:
        session = mailbox.Open(there, wait=0.2)
        try:
            session.after(0)
            session.letter(1)
        finally:
            session.close()
    except mailbox.Closed as closed:
        return str(closed)
    return ""


def test_a_wrong_password_and_nobody_there_are_told_apart():
    """Doctor names the step (P12)."""
    with imap_server() as server:
        wrong = server.url.replace("p%40ss", "guess")
        with pytest.raises(mailbox.Closed, match="login"), mailbox.opened(mailbox.box(wrong)):
            pass
        url = server.url
    with pytest.raises(mailbox.Closed, match="connect"), mailbox.opened(mailbox.box(url)):
        pass


def test_a_password_never_travels_in_the_clear(monkeypatch):
    """imap:// to another machine needs STARTTLS; a server without it hears no password."""
    monkeypatch.setattr(mailbox.Box, "here", False)
    with imap_server() as server:
        with pytest.raises(mailbox.Closed, match="starttls"), mailbox.opened(mailbox.box(server.url)):
            pass
        assert not [line for line in server.heard if line.startswith("LOGIN")]


def test_an_address_is_read_with_its_parts_decoded():
    """Defaults, and what a representation shows."""
    box = mailbox.box("imaps://desk%40l.example:p%40ss@imap.example.org/Aftercare/In")
    assert (box.host, box.port, box.secure, box.folder) == ("imap.example.org", 993, True, "Aftercare/In")
    assert (box.user, box.password) == ("desk@l.example", "p@ss")
    assert mailbox.box("imap://u:p@localhost").port == 143
    assert "p@ss" not in repr(box)
    assert box.name != mailbox.box("imaps://u:p@imap.example.org").name


@pytest.mark.parametrize(
    "url",
    [
        *("", "imaps://", "https://u:p@host", "imaps://host/INBOX", "imaps://u@host", "imaps://u:p@host?x=1"),
        *("imaps://u:p@host:99999", "imaps://u:p@[::1", "imaps://u:p%0d%0aA1 LOGOUT@host", "imaps://ü:p@host"),
    ],
)
def test_a_setting_that_cant_be_used_names_itself_and_never_its_password(url):
    """BadSetting with the mend (P9, P12)."""
    with pytest.raises(BadSetting, match="MAILBOX_URL") as bad:
        mailbox.box(url)
    assert "example" in str(bad.value)
    assert "u:p" not in str(bad.value)
