"""A recall: who got a version, and the approved correction to each of them, once and through every gate (P1-P4)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.actions.course import versions
from tests.builders import ALICES_PHONE, CHARLIE, NOW, OKAFOR, PROTOCOL, SAM
from worker.actions.clients.contact import change_contact
from worker.actions.converse.thread import take_up
from worker.actions.course.adopt import adopt
from worker.actions.privacy.erase import erase
from worker.actions.protocols.approve import approve, the_protocol
from worker.actions.protocols.reached import recalled
from worker.actions.protocols.recall import recall
from worker.actions.protocols.write import add_correction
from worker.channels.base import Unknown
from worker.intake.contact import ContactFile
from worker.intake.shape import checked
from worker.models import Message, ProtocolVersion, Ready, Step
from worker.reading.shadow import difference
from worker.rules.refusal import Refusals

DUE = NOW + timedelta(hours=1)
LATER = NOW + timedelta(hours=6)
SAYS = (
    "{{ clinic_name }}: please read this instead of our last note: {{ care_url }} Urgent? Call {{ clinic_phone }}. "
    "Reply STOP to end."
)
MAIL = "Please read this.\n\nIs it urgent? Call {{ clinic_phone }}.\n\n{{ clinic_address }}\n{{ unsubscribe_url }}"
HTML = '<p>Urgent? Call {{ clinic_phone }}. {{ clinic_address }} <a href="{{ unsubscribe_url }}">End</a></p>'


@pytest.fixture
def correction(house, monkeypatch):
    """Dr Okafor's approved correction of version 1; the year of hours was tried when the house was built."""
    from worker.actions.protocols import approve as approving

    monkeypatch.setattr(approving, "unreachable_steps", lambda *_: ())
    said = {
        f"{part}.{language}": words
        for language, subject in (("en", "A correction"), ("es", "Una correccion urgente"))
        for part, words in (("sms", SAYS), ("subject", subject), ("text", MAIL), ("html", HTML))
    }
    add_correction(
        clinic=house.lakeside, code=PROTOCOL, from_version=1, step="correction-1", said=said, by=SAM, now=NOW
    )  # fmt: skip
    approve(protocol=the_protocol(PROTOCOL, clinic_slug="lakeside"), by=OKAFOR, now=NOW)
    return Step.objects.get(code="correction-1")


def _first(house):
    return ProtocolVersion.objects.get(protocol__clinic=house.lakeside, number=1)


@pytest.fixture
def told(house):
    """Alice got the same-day note of version 1 by SMS."""
    client = builders.alice().client
    post.confirmed(NOW)
    post.round_of_post(DUE)
    return client


def _recall(house, step, *, by=OKAFOR, now=LATER):
    return recall(clinic=house.lakeside, version_id=_first(house).pk, step_id=step.pk, by=by, now=now)


def _why(house, step):
    return [(each.client_id, each.why) for each in recalled(_first(house), step)]


def test_who_got_it_gets_the_correction_once_whatever_she_got(house, told, correction):
    """P4: pressed twice it rings once; by the channel on which she got the wrong text."""
    assert _why(house, correction) == [(told.pk, "")]
    assert _recall(house, correction) == (1, 0)
    assert _recall(house, correction) == (0, 1)
    provider = post.Provider()
    assert "correction-1" in post.round_of_post(LATER, provider)
    assert sum("read this instead" in out.body for out in provider.taken) == 1
    assert Message.objects.filter(kind="correction").count() == 1


def test_who_got_nothing_of_it_hears_nothing(house, correction):
    """Planned is not sent."""
    builders.alice()
    assert _why(house, correction) == []


def test_the_preview_says_who_is_not_reached_and_why(house, told, correction):
    """P1, P2: stopped on both channels, or erased; the recall then does the very same."""
    builders.text_from(house.lakeside, ALICES_PHONE, "STOP everything", now=DUE)
    assert _why(house, correction) == [(told.pk, "stopped")]
    assert _recall(house, correction) == (0, 0)
    erase(client_id=told.pk, by=SAM, now=DUE)
    assert _why(house, correction) == [(told.pk, "no_address")]


def test_the_other_channel_takes_over_where_she_agreed_to_it(house, told, correction):
    """She stopped the texts and not the mails: the correction comes by mail."""
    builders.text_from(house.lakeside, ALICES_PHONE, "STOP", now=DUE)
    assert _recall(house, correction) == (1, 0)
    assert Message.objects.get(kind="correction").channel == "email"


def test_a_stop_after_the_recall_wins_at_the_gate(house, told, correction):
    """P2: a correction is a message like any other."""
    _recall(house, correction)
    builders.text_from(house.lakeside, ALICES_PHONE, "STOP", now=LATER)
    assert "correction-1" not in post.round_of_post(LATER)
    assert Message.objects.get(kind="correction").state == "cancelled"


@pytest.mark.parametrize("state", ["cancelled", "missed", "withheld"])
def test_a_correction_that_was_lost_before_it_left_is_planned_by_the_next_recall(house, told, correction, state):
    """P4, P5: whatever ended it, pressed again it goes, once and under its next number."""
    _recall(house, correction)
    Message.objects.filter(kind="correction").update(state=state, reason="tests")
    Ready.objects.all().delete()
    assert _why(house, correction) == [(told.pk, "")]
    assert [_recall(house, correction) for _ in range(2)] == [(1, 0), (0, 1)]
    provider = post.Provider()
    for minutes in range(0, 60, 10):
        post.round_of_post(LATER + timedelta(minutes=minutes), provider)
    assert sum("read this instead" in out.body for out in provider.taken) == 1
    assert Message.objects.filter(kind="correction").count() == 2


def test_a_correction_that_may_have_left_is_never_doubled(house, told, correction):
    """P4: its answer was lost; whatever the message says now, pressing again reaches nobody."""
    _recall(house, correction)
    post.round_of_post(LATER, post.Provider(answers=[Unknown("timeout")]))
    Message.objects.filter(kind="correction").update(state="missed")
    assert _recall(house, correction) == (0, 1)


def test_a_correction_comes_along_to_another_number(house, told, correction):
    """P5, rule 8: a change of phone before it left takes it along; no recall is needed."""
    _recall(house, correction)
    consents = [
        {"channel": "sms", "purpose": "aftercare", "affirmed": True, "method": "paper", "given_at": NOW.isoformat(),
         "wording": "service@1"}
    ]  # fmt: skip
    raw = {"changed_by": SAM, "phone": "(212) 555-0155", "consents": consents}
    change_contact(client_id=told.pk, file=checked(ContactFile, raw), now=LATER)
    rows = Message.objects.filter(kind="correction").order_by("pk")
    assert [(each.state, each.resend) for each in rows] == [("cancelled", 0), ("planned", 1)]
    assert _recall(house, correction) == (0, 1)


def test_a_correction_does_not_wait_for_a_conversation(house, told, correction):
    """It mends what she was told; everything else waits."""
    take_up(clinic=house.lakeside, client_id=told.pk, by=SAM, now=LATER)
    _recall(house, correction)
    assert "correction-1" in post.round_of_post(LATER)


def test_a_correction_on_its_way_is_no_part_of_a_plan_that_follows(house, told, correction):
    """P1: running courses go on under the next version; none of its steps would bring the correction again."""
    _recall(house, correction)
    newest = versions.next_version(house.lakeside, NOW)
    assert difference(newest.protocol, now=LATER)["clients"] == 1
    assert adopt(protocol=newest.protocol, by=OKAFOR, now=LATER).clients == 1
    assert Message.objects.get(kind="correction").state == "planned"
    assert adopt(protocol=newest.protocol, by=OKAFOR, now=LATER).clients == 0


def test_only_a_practitioner_of_the_clinic_recalls_and_only_with_an_approved_text(house, told, correction):
    """P3, P10."""
    for act in (
        lambda: _recall(house, correction, by=SAM),
        lambda: _recall(house, correction, by=CHARLIE),
        lambda: recall(clinic=house.hillside, version_id=_first(house).pk, step_id=correction.pk, by=OKAFOR, now=LATER),
        lambda: _recall(house, Step.objects.filter(version=_first(house), code="day-1").get()),
        lambda: _recall(house, correction, now=LATER + timedelta(days=800)),
    ):
        with pytest.raises(Refusals):
            act()
    assert not Message.objects.filter(kind="correction").exists()
