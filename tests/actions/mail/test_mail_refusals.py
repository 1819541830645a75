"""A relay's refusal while it is asked: what becomes of message, address and staff, by the rules' table (rule 125)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import NOW, standing_of
from worker.channels.base import Refused, TryLater
from worker.models import Message, StaffTask, Suppression
from worker.rules.errors import smtp_reply

ADDRESS, POLICY, STAFF, OURS, LATER = "address", "policy", "staff", "ours", "later"
REPLIES = [
    *((550, "5.1.1 <alice@example.com> unknown", ADDRESS), (550, "5.1.2 no such domain", ADDRESS)),
    *((553, "5.1.3 bad syntax", ADDRESS), (551, "5.1.6 moved", ADDRESS), (550, "no box (#5.1.1)", ADDRESS)),
    *((550, "5.7.1 blocked for spam; 5.1.1 is not the reason", POLICY), (550, "5.7.515 DMARC", POLICY)),
    *((554, "5.7.0 policy", POLICY), (550, "5.7.26 unauthenticated", POLICY)),
    *(
        (550, "No such user", STAFF),
        (554, "5.1.1\u0661 no", STAFF),
        (550, "x 5.1.1", STAFF),
        (550, "\x00\r\n5.1", STAFF),
    ),
    *((550, "5.1.10 null MX", STAFF), (550, "5.4.1 denied", STAFF), (550, "a" * 5000, STAFF)),
    *((552, "5.3.4 too big", OURS), (554, "5.6.0 content", OURS), (501, "syntax", OURS)),
    *((552, "5.2.2 mailbox full", LATER), (554, "5.2.2 lleno", LATER)),
]
TASKS = {POLICY: "provider_page_operator", STAFF: "provider_staff_task", OURS: "provider_page_operator"}


@pytest.fixture
def alice(house):
    """Alice, whose opt-in confirmation is due."""
    return builders.alice().client


@pytest.mark.parametrize(("number", "words", "means"), REPLIES)
def test_each_reply_changes_what_the_table_says_and_no_more(alice, number, words, means):
    """Rule 125, in the rows: suppressed as invalid, an operator's case, a staff's task, or tried again."""
    code = smtp_reply(number, words).code
    post.round_of_post(NOW, post.Provider(answers=[Refused(code)]), channel="email")
    mail = Message.objects.get(client=alice, channel="email", kind="optin_confirmation")
    assert mail.state == ("planned" if means == LATER else "refused")
    assert standing_of(alice, "email").suppressed_why == ("invalid" if means == ADDRESS else None)
    assert standing_of(alice, "sms").suppressed_at is None
    if means in TASKS:
        assert StaffTask.objects.filter(kind=TASKS[means]).exists()


def test_a_disabled_mailbox_is_silent_after_the_second_time(alice):
    """Rule 125: 5.2.1 once may be a slip of theirs; twice in a row it is a bounce."""
    post.round_of_post(NOW, channel="email")
    for number in (1, 2):
        assert standing_of(alice, "email").suppressed_at is None
        due = Message.objects.filter(client=alice, channel="email", state="planned").earliest("due_at").due_at
        post.round_of_post(
            due + timedelta(minutes=1), post.Provider(answers=[Refused("550 5.2.1")] * 3), channel="email"
        )
        assert Message.objects.filter(client=alice, channel="email", state="refused").count() >= number
    assert standing_of(alice, "email").suppressed_why == "bounce"


@pytest.mark.parametrize("code", ["421", "450 4.7.1", "451 4.3.0", "452 4.2.2"])
def test_a_transient_reply_is_tried_again_and_silences_nobody(alice, code):
    """Rule 125: planned again, later."""
    post.round_of_post(NOW, post.Provider(answers=[TryLater(code)]), channel="email")
    mail = Message.objects.get(client=alice, channel="email", kind="optin_confirmation")
    assert (mail.state, mail.due_at > NOW) == ("planned", True)
    assert not Suppression.objects.exists()
