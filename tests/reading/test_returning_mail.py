"""Doctor says what is missing for mail to find its way back (P12, rules 115, 124)."""

from __future__ import annotations

import pytest

from tests.channels.imap_server import imap_server
from worker.actions.mail.poll import mail_poll
from worker.reading.doctor import findings


@pytest.fixture
def look(db):
    """What doctor says of one setting."""
    return lambda name: next(each for each in findings() if each.what == name)


def test_off_is_said_and_is_well(look):
    """Nobody has to read mail by machine; where to learn how is named."""
    found = look("MAILBOX_URL")
    assert (found.ok, "docs/mail.md" in found.says) == (True, True)


def test_a_mailbox_is_tried_and_must_have_been_read(look, settings):
    """Reachable is not enough: somebody has to read it."""
    with imap_server() as server:
        settings.MAILBOX_URL = server.url
        assert (look("MAILBOX_URL").ok, look("MAILBOX_URL").says) == (False, "never read yet")
        assert "beat and a worker" in look("MAILBOX_URL").mend
        mail_poll(longest=5.0)
        assert look("MAILBOX_URL").ok
        server.answers["LOGIN"] = "NO wrong"
        found = look("MAILBOX_URL")
    assert (found.ok, "login" in found.says) == (False, True)
    assert "password of" not in found.says
    assert "p%40ss" not in f"{found}"


def test_a_mailbox_url_that_cant_be_used_is_named_with_its_mend(look, settings):
    """And never repeated: it holds a password (P9)."""
    settings.MAILBOX_URL = "pop3://desk:hidden@host"
    found = look("MAILBOX_URL")
    assert not found.ok
    assert "imaps://" in found.mend
    assert "hidden" not in f"{found}"


def test_a_provider_needs_the_secret_of_its_hooks(look, settings):
    """Without it no bounce is taken."""
    settings.EMAIL_URL = "anymail+postmark://TOKEN"
    assert not look("EMAIL_HOOK_SECRET").ok
    settings.EMAIL_HOOK_SECRET = "hook:hidden"
    found = look("EMAIL_HOOK_SECRET")
    assert (found.ok, "/hooks/email/postmark/events" in found.says, "hidden" in f"{found}") == (True, True, False)


def test_replies_by_webhook_need_a_provider(look, settings):
    """EMAIL_INBOUND_HOOK alone reads nothing."""
    settings.EMAIL_INBOUND_HOOK = True
    assert not look("EMAIL_INBOUND_HOOK").ok
