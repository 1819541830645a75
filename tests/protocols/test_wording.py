"""The shipped texts keep the rules of wording when they are really rendered, not only by their templates."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from tests.protocols.shipped import FOLDER, before_footer, protocol, texts, words
from worker.intake.protocol import read_protocol
from worker.rules.lint import (
    lint_asks_for_yes,
    lint_health,
    lint_html,
    lint_links,
    lint_marketing,
    lint_optin,
    lint_punishment,
    lint_sms,
    lint_stop_confirmation,
)
from worker.rules.names import AnswerKind, Channel, MessageClass, Purpose
from worker.rules.refusal import Refusals
from worker.rules.text import Encoding, segments, to_gsm7

PLAIN = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
RICH = SandboxedEnvironment(undefined=StrictUndefined, autoescape=True)

# The longest values a clinic and a client may bring, written out here and not borrowed from the code under test.
WORST = {
    "first_name": "Bartholomew-Maximilian O",
    "clinic_name": "Riverside & Northampton Studio",
    "clinic_phone": "+1 415-555-0132",
    "clinic_address": "1200 Example Avenue, Suite 340, San Francisco, CA 94110, United States",
    "care_url": "https://aftercare.example-clinic.com/c/AAAAAAAAAAAAAAAAAAAAAAAA",
    "unsubscribe_url": "https://aftercare.example-clinic.com/u/AAAAAAAAAAAAAAAAAAAAAAAA",
    "confirm_url": "https://aftercare.example-clinic.com/y/AAAAAAAAAAAAAAAAAAAAAAAA",
    "messages_promised": "12",
    "staff_words": "We will call you this afternoon. Until then please keep to what we told you on the day.",
    "inbox_url": "https://aftercare.example-clinic.com/inbox",
}
VISIT = {
    "en": {"session_date": "Wednesday, September 30, 2026", "session_time": "12:30 p.m."},
    "es": {"session_date": "miércoles, 30 de septiembre de 2026", "session_time": "12:30 p. m."},
}
OPENING = (AnswerKind.OPTIN_QUESTION, AnswerKind.OPTIN_CONFIRMATION)
SMS, EMAIL = texts(Channel.SMS), texts(Channel.EMAIL)
SMS_IDS = [f"{step.rule.code}-{text.language}" for step, text in SMS]
EMAIL_IDS = [f"{step.rule.code}-{text.language}" for step, text in EMAIL]


def values(language: str) -> dict[str, str]:
    visit = VISIT[language]
    return WORST | visit | {"earliest_date": visit["session_date"], "latest_date": visit["session_date"]}


def rendered(template: str, language: str) -> str:
    return PLAIN.from_string(template).render(values(language))


def test_the_worst_case_is_as_long_as_it_claims() -> None:
    """A name of 24 letters, a clinic of 30, a link of at least 60 characters (rule 105)."""
    assert [len(WORST[name]) for name in ("first_name", "clinic_name")] == [24, 30]
    assert len(WORST["care_url"]) >= 60


@pytest.mark.parametrize(("step", "text"), SMS, ids=SMS_IDS)
def test_every_sms_is_gsm7_and_at_most_two_parts(step, text) -> None:
    """The longest client costs two parts at most, and the STOP confirmation one (rules 22, 104, 105)."""
    cost = segments(rendered(text.text, text.language))
    assert cost.encoding is Encoding.GSM7
    assert cost.parts <= (1 if step.kind is AnswerKind.STOP_CONFIRMATION else 2)


@pytest.mark.parametrize(("step", "text"), SMS, ids=SMS_IDS)
def test_every_sms_as_sent_keeps_the_rules(step, text) -> None:
    """It names the clinic, carries STOP, and holds no health word, offer or foreign link (rules 13, 28, 35-38)."""
    sent, brand = rendered(text.text, text.language), WORST["clinic_name"]
    stops = step.kind is AnswerKind.STOP_CONFIRMATION
    found = [
        *lint_health(sent, "sms", treatments=dict(protocol().title).values(), brand=brand),
        *lint_sms(sent, "sms", brand=brand, stop_line=not stops),
        *lint_marketing(sent, "sms"),
        *lint_punishment(sent, "sms"),
        *lint_links(sent, "sms", own_hosts={"aftercare.example-clinic.com"}),
        *(lint_stop_confirmation(sent, "sms", brand=brand) if stops else ()),
        *(lint_optin(sent, "sms", brand=brand) if step.kind in OPENING else ()),
        *(lint_asks_for_yes(sent, "sms") if step.kind is AnswerKind.OPTIN_QUESTION else ()),
    ]
    assert found == []


@pytest.mark.parametrize(("step", "text"), SMS, ids=SMS_IDS)
def test_every_course_sms_has_phone_link_and_its_own_words(step, text) -> None:
    """A text that says something useful: a page to open, a number to call, and never twice the same (rule 41)."""
    if step.rule.cls is MessageClass.COURSE:
        assert "{{ care_url }}" in text.text
        assert "{{ clinic_phone }}" in text.text
        assert [other.text for _, other in SMS].count(text.text) == 1


def test_spanish_sms_need_no_letter_that_costs_three_parts() -> None:
    """The Spanish texts are written with the letters GSM-7 has, so nothing is replaced on the way (rule 106)."""
    for _, text in SMS:
        assert to_gsm7(text.text.replace("{", "").replace("}", "")).split() == re.sub("[{}]", "", text.text).split()


def test_a_treatment_never_shows_in_an_sms_or_a_subject(tmp_path: Path) -> None:
    """With a canary as the treatment's name, no SMS and no subject says it (rules 37, 123)."""
    folder = Path(shutil.copytree(FOLDER, tmp_path / "protocol"))
    toml = folder / "protocol.toml"
    named = re.sub(
        r"(?m)^title = .*$", 'title = { en = "ZZTREATMENTZZ", es = "ZZTREATMENTZZ" }', toml.read_text("utf-8")
    )
    toml.write_text(re.sub(r'(?m)^code = "micro.*$', 'code = "zztreatmentzz"', named), "utf-8")
    source = read_protocol(folder)
    for step in source.steps:
        for text in step.texts:
            shown = text.text if text.channel is Channel.SMS else text.subject
            assert "zztreatmentzz" not in rendered(shown, text.language).lower()
    for name, mark in (("day-1.en.sms.txt", "notes"), ("day-1.en.email.txt", "Subject:")):
        file = folder / name
        file.write_text(file.read_text("utf-8").replace(mark, f"{mark} ZZTreatmentZZ", 1), "utf-8")
    with pytest.raises(Refusals) as refused:
        read_protocol(folder)
    assert {fault.field for fault in refused.value.faults} == {"day-1.en.sms.txt", "day-1.en.email.txt"}


OPEN_WORDS = re.compile(
    r"needl|aguj|stretch|estr[ií]a|skin|piel|collagen|col[aá]geno|treat|tratamiento|session|sesi[oó]n|\bsun\b|\bsol\b",
    re.IGNORECASE,
)


def test_a_locked_screen_shows_nothing_of_the_treatment() -> None:
    """Stricter than the lint: not even "session" or "sun" stands in an SMS or a subject (rule 37)."""
    shown = [text.text for _, text in SMS] + [text.subject for _, text in EMAIL]
    assert [words for words in shown if OPEN_WORDS.search(re.sub(r"\{\{.*?\}\}", "", words))] == []


@pytest.mark.parametrize(("step", "text"), EMAIL, ids=EMAIL_IDS)
def test_every_subject_and_email_as_sent_keeps_the_rules(step, text) -> None:
    """No health word in the subject, no offer and no threat anywhere, nothing loaded (rules 13, 35, 37-39, 123)."""
    subject, body = rendered(text.subject, text.language), rendered(text.text, text.language)
    html = RICH.from_string(text.html).render(values(text.language))
    hosts = {"aftercare.example-clinic.com"}
    found = [
        *lint_health(subject, "subject", treatments=dict(protocol().title).values(), brand=WORST["clinic_name"]),
        *(finding for part in (subject, body, html) for finding in lint_marketing(part, "email")),
        *lint_punishment(body, "email"),
        *lint_links(body, "email", own_hosts=hosts),
        *lint_html(html, "email", own_hosts=hosts),
    ]
    assert found == []


@pytest.mark.parametrize(("step", "text"), EMAIL, ids=EMAIL_IDS)
def test_text_and_html_carry_the_same_instructions(step, text) -> None:
    """Word for word: whoever reads without HTML misses nothing (rule 120)."""
    assert words(before_footer(text.text)) == words(before_footer(text.html))
    assert len(words(before_footer(text.text))) > 80


@pytest.mark.parametrize(("step", "text"), EMAIL, ids=EMAIL_IDS)
def test_every_email_ends_with_the_address_and_the_way_out(step, text) -> None:
    """The postal address and the unsubscribe link stand at the foot of both parts (rules 64, 74)."""
    for part in (text.text, text.html):
        foot = part.removeprefix(before_footer(part))
        assert "{{ clinic_name }}" in foot
        assert "{{ clinic_address }}" in foot
        assert ("{{ unsubscribe_url }}" in foot) is (step.rule.cls is not MessageClass.STAFF)  # staff leave the list


class _Tags(HTMLParser):
    """Which tags stand open, and what was seen."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize(("step", "text"), EMAIL, ids=EMAIL_IDS)
def test_the_html_is_plain_and_well_nested(step, text) -> None:
    """Headings, paragraphs, lists and links only, one first heading: screen readers and old mail programs cope."""
    tags = _Tags()
    tags.feed(text.html)
    tags.close()
    assert tags.open == []
    assert tags.seen <= {"h1", "h2", "p", "ul", "li", "a", "br"}
    assert tags.attributes <= {"href"}
    assert text.html.count("<h1>") == 1


def test_no_answer_needs_a_care_page() -> None:
    """An answer may go to a number that no client has: it uses only what the clinic itself knows."""
    personal = {"care_url", "session_date", "session_time", "earliest_date", "latest_date"}
    for step in protocol().steps:
        if step.rule.cls is MessageClass.ANSWER:
            used = {name for text in step.texts for name in re.findall(r"\{\{ (\w+) \}\}", text.text + text.html)}
            assert not used & personal
            sms = step.text(Channel.SMS, "en").text
            assert "first_name" not in sms


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_safety_reply_only_sends_to_the_phone(language: str) -> None:
    """It says that nobody watches the number, whom to call, and nothing about what the client wrote (rule 41)."""
    said = protocol().step("safety-reply").text(Channel.SMS, language).text
    assert re.search("not monitored for emergencies|nadie vigila este numero para emergencias", said)
    assert "{{ clinic_phone }}" in said
    assert re.search("emergency number|numero de emergencias", said)


def test_the_reminder_without_a_booking_is_neutral() -> None:
    """Two dates and a phone number: no price, no praise, no push (rule 13)."""
    step = protocol().step("next-session-plan")
    assert step.rule.purpose is Purpose.REMINDERS
    for text in step.texts:
        assert {"{{ earliest_date }}", "{{ latest_date }}", "{{ clinic_phone }}"} <= set(
            re.findall(r"\{\{ \w+ \}\}", text.text)
        )
        assert "!" not in text.text


def test_no_email_shouts_and_no_sentence_is_endless() -> None:
    """Calm and plain: no exclamation mark, and no sentence of more than 40 words."""
    for _, text in EMAIL:
        assert "!" not in words(before_footer(text.text))
        blocks = re.findall(r"<(?:p|li|h1|h2)>(.*?)</", before_footer(text.html))
        sentences = [sentence for block in blocks for sentence in re.split(r"[.:?]\s", words(block))]
        assert max(len(sentence.split()) for sentence in sentences) <= 40
