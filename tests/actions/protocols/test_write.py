"""Drafts written at the desk: each save a new version, read by the rules of the file, and nothing approved changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests import builders
from tests.builders import CHARLIE, NOW, OKAFOR, PROTOCOL, SAM
from worker import rendering
from worker.actions.protocols.approve import approve, the_protocol
from worker.actions.protocols.write import add_correction, remove_step, write_step
from worker.intake.canonical import canonical, canonical_hash
from worker.intake.protocol_edit import pages_of
from worker.models import Approval, ProtocolVersion
from worker.reading.protocol_diff import changes
from worker.reading.protocol_preview import preview
from worker.reading.protocols import protocol, touched
from worker.rules.names import Channel
from worker.rules.refusal import Refusals
from worker.web.desk.protocol_approve import TERMS

SMS = "{{ clinic_name }}: the first days, in short: {{ care_url }} Urgent? Call {{ clinic_phone }}. Reply STOP to end."


def _write(house, said, *, step="day-1", version=1, by=SAM):
    return write_step(
        clinic=house.lakeside, code=PROTOCOL, from_version=version, step=step, said=said, by=by, now=NOW
    )  # fmt: skip


def _source(version):
    return rendering.version(version.document).source


def _newest(house):
    return ProtocolVersion.objects.filter(protocol__clinic=house.lakeside).latest("number")


def test_the_pages_of_a_protocol_are_that_protocol(house):
    """P3: what the form shows, saved unchanged, has the very same hash."""
    version = _newest(house)
    assert canonical_hash(pages_of(_source(version)).source()) == version.sha256
    text = _source(version).step("day-1").text(Channel.EMAIL, "en")
    said = {"subject.en": text.subject, "text.en": text.text.replace("\n", "\r\n"), "html.en": text.html}
    assert _write(house, said) == (version, False)


def test_a_save_is_a_new_version_and_the_approved_one_stays(house):
    """Rule 10: the approval covers what was read, to the byte; the draft waits."""
    approved = _newest(house)
    draft, new = _write(house, {"sms.en": SMS, "when": "1 11:00"})
    assert (new, draft.number) == (True, 2)
    assert _source(draft).step("day-1").text(Channel.SMS, "en").text == f"{SMS}\n"
    approved.refresh_from_db()
    stage = protocol(house.lakeside, PROTOCOL, now=NOW)
    assert (stage.newest, stage.approval.version, stage.is_draft) == (draft, approved, True)
    assert Approval.objects.filter(version=draft).count() == 0


def test_the_difference_names_what_changed_and_nothing_else(house):
    """The practitioner reads two lines, not nineteen steps."""
    before = _source(_newest(house))
    draft, _ = _write(house, {"sms.en": SMS, "when": "1 11:00"})
    found = {(each.step, each.what) for each in changes(before, _source(draft), TERMS)}
    assert found == {("day-1", "when"), ("day-1", "sms en text")}
    assert changes(before, before, TERMS) == []
    lines = next(each.lines for each in changes(before, _source(draft), TERMS) if each.what == "sms en text")
    assert [tag for tag, _ in lines] == ["gone", "new"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"sms.en": "Buy our peel now, 20% off. {{ clinic_name }} STOP urgent {{ clinic_phone }}"}, "marketing"),
        ({"sms.en": SMS.replace("{{ clinic_name }}", "Us")}, "does not name the clinic"),
        ({"sms.en": f"{SMS} {{{{ 7*7 }}}}"}, "not plain"),
        ({"sms.en": f"{SMS} {'x' * 300}"}, "SMS parts"),
        ({"sms.es": SMS.replace("the first days", "🙂")}, "GSM-7"),
        ({"html.en": "<img src='https://x.example/p.gif'>"}, "loads by"),
        ({"text.en": "See https://elsewhere.example/page {{ clinic_phone }} urgent {{ clinic_address }} "
          "{{ unsubscribe_url }}"}, "host that is not the clinic's own"),
        ({"when": "tomorrow"}, "is no moment"),
        ({"when": "9 10:00"}, "not after `when`"),
        ({"if_closed": "shout"}, "if_closed"),
    ],
)  # fmt: skip
def test_what_a_machine_can_find_wrong_is_not_saved(house, said, why):
    """P12, rules 13, 36-40, 104, 105: every fault at once, and nothing changed."""
    before = builders.counts()
    with pytest.raises(Refusals, match=why):
        _write(house, said)
    assert builders.counts() == before


@pytest.mark.parametrize(
    "text",
    ["{{ 1/0 }}", "{{ 'é'.encode('ascii') }}", f"{{{{ {'(' * 500}1{')' * 500} }}}}"],
    ids=("zero", "letters", "depth"),
)
def test_a_text_that_fails_in_any_way_can_not_be_made(house, text):
    """P5, rule 40: of whatever stands in a document, a message is refused and no worker falls."""
    source = _source(_newest(house))
    steps = [
        replace(step, texts=tuple(replace(each, text=text) for each in step.texts))
        if step.rule.code == "day-1"
        else step
        for step in source.steps
    ]
    version = rendering.Version(canonical(replace(source, steps=tuple(steps))).decode())
    for channel in ("sms", "email"):
        with pytest.raises(rendering.CannotRender):
            version.write(step="day-1", channel=Channel(channel), language="en", values={})


def test_two_who_write_at_once_do_not_overwrite_each_other(house):
    """The second is told which version to look at."""
    _write(house, {"sms.en": SMS})
    with pytest.raises(Refusals, match="somebody saved meanwhile"):
        _write(house, {"sms.es": SMS})


def test_a_practitioner_approves_only_what_she_read(house):
    """P3: the page was open while Sam saved another draft."""
    first, _ = _write(house, {"sms.en": SMS})
    _write(house, {"sms.es": SMS}, version=2)
    with pytest.raises(Refusals, match="not the one that you read"):
        approve(protocol=the_protocol(PROTOCOL, clinic_slug="lakeside"), by=OKAFOR, now=NOW, sha256=first.sha256)
    assert not Approval.objects.filter(version__number__gt=1).exists()


def test_steps_come_and_go_as_versions(house):
    """A correction is added with its texts; a step that is taken out is gone from the next version only."""
    draft, _ = remove_step(clinic=house.lakeside, code=PROTOCOL, from_version=1, step="week-3", by=SAM, now=NOW)
    assert "week-3" not in {step.rule.code for step in _source(draft).steps}
    with pytest.raises(Refusals, match="correction-1"):
        add_correction(
            clinic=house.lakeside, code=PROTOCOL, from_version=2, step="correction-1", said={"sms.en": SMS}, by=SAM,
            now=NOW,
        )  # fmt: skip


def test_the_other_clinic_writes_nothing_here(house):
    """P10."""
    with pytest.raises(Refusals, match="by"):
        _write(house, {"sms.en": SMS}, by=CHARLIE)


def test_open_messages_are_counted_by_the_version_they_keep(house):
    """Before an approval it is said how many clients and messages stay with the old words."""
    client = builders.alice().client
    (row,) = touched(the_protocol(PROTOCOL, clinic_slug="lakeside"))
    assert (row.number, row.clients) == (1, 1)
    assert row.messages == sum(each.cls == "course" for each in builders.messages_of(client, state="planned"))


def test_the_preview_shows_the_longest_name_the_parts_and_the_ease(house):
    """Rules 104, 105: both languages side by side, with this clinic's name; a broken text leaves the others whole."""
    pages = pages_of(_source(_newest(house)))
    spoken, others = preview(pages, "day-1", house.lakeside, hosts=["127.0.0.1", "lakeside.example"])
    assert [each.language for each in spoken] == ["en", "es"]
    assert others == []
    for each in spoken:
        assert each.faults == ()
        assert each.phone.text.startswith("Lakeside Skin Clinic: ")
        assert (each.phone.cost.parts, each.phone.foreign) == (2, "")
        assert each.letter.subject
        assert 40 < each.letter.ease.score <= 100
    pages.files["day-1.en.sms.txt"] = "{{ clinic_name }: broken “quotes”"
    english, spanish = preview(pages, "day-1", house.lakeside, hosts=[])[0]
    assert english.phone is None
    assert english.faults
    assert spanish.phone is not None
