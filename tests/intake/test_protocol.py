"""Protocol folders are read strictly: whatever a machine can find wrong, a practitioner never has to (P3, P12)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from worker.intake.protocol import read_protocol
from worker.intake.protocol_texts import LARGEST
from worker.rules.names import AnswerKind, Channel, StaffKind
from worker.rules.refusal import Refusals

SHIPPED = Path(__file__).parents[2] / "templates/messages/microneedling-stretch-marks"
TOML = "protocol.toml"
SMS, MAIL, HTML = "day-1.en.sms.txt", "day-1.en.email.txt", "day-1.en.email.html"


KEPT = (
    "optin-confirmation",
    "stop-confirmation",
    "help",
    "safety-reply",
    "same-day",
    "day-1",
    "day-3",
    "next-session-plan",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Half of the shipped protocol, free to be spoilt; half, because this file reads it over a hundred times."""
    kept = tmp_path / "protocol"
    kept.mkdir()
    header, *steps = (SHIPPED / TOML).read_text("utf-8").split("[[step]]")
    steps = [step for step in steps if any(f'code = "{code}"' in step for code in KEPT)]
    (kept / TOML).write_text("[[step]]".join([header, *steps]), "utf-8")
    for code in KEPT:
        for path in SHIPPED.glob(f"{code}.*"):
            shutil.copy(path, kept)
    return kept


def spoil(folder: Path, name: str, old: str, new: str) -> None:
    """Replace the first `old` by `new`; a test that spoils nothing proves nothing."""
    text = (folder / name).read_text("utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), "utf-8")


def append(folder: Path, name: str, more: str) -> None:
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write(more)


def faults(folder: Path) -> list[tuple[str, str]]:
    """What the folder is refused for, each with a mend."""
    with pytest.raises(Refusals) as refused:
        read_protocol(folder)
    assert all(fault.field and fault.problem and fault.mend for fault in refused.value.faults)
    return [(fault.field, fault.problem) for fault in refused.value.faults]


def test_the_half_is_sound(folder: Path) -> None:
    """What the tests below spoil is a protocol that is read without a fault before."""
    assert {step.rule.code for step in read_protocol(folder).steps} == set(KEPT)


def test_the_shipped_protocol_is_read_whole() -> None:
    """Every step has a text for each of its channels and languages, and its rule says what the file says."""
    source = read_protocol(SHIPPED)
    for step in source.steps:
        assert [(text.channel, text.language) for text in step.texts] == [
            (channel, language) for channel in step.rule.channels for language in source.languages
        ]
        assert all(text.text for text in step.texts)
        assert all(text.subject and text.html for text in step.texts if text.channel is Channel.EMAIL)
    assert source.interval_days == (28, 42)
    assert [step.rule.ordinal for step in source.steps] == list(range(1, len(source.steps) + 1))
    assert {step.kind for step in source.steps if step.kind} == {*AnswerKind, *StaffKind}


SUN = '{ topic = "sun-exposure", telling = "avoid", until_day = 28 }'
TOML_FAULTS = [
    ('code = "day-1"', 'code = "day-1"\ncolour = "red"', "step.day-1.colour", "not a known key"),
    ('code = "day-1"', 'code = "Day 1!"', "code", "wrong shape"),
    ('purpose = "aftercare"', 'purpose = "marketing"', "purpose", "wrong shape"),
    ('anchor = "treatment"', 'anchor = "moon"', "anchor", "wrong shape"),
    ('anchor = "treatment"', "", "anchor", "is missing"),
    ('anchor = "treatment"', 'anchor = "reply"', "anchor", "wait for a reply"),
    ('anchor = "treatment"', 'anchor = "treatment"\nkind = "help"', "kind", "only for answers"),
    ('anchor = "treatment"', 'anchor = "cancellation"', "channels", "into a calendar"),
    ('anchor = "treatment"', 'anchor = "change"', "purpose", "not that of a visit"),
    ('kind = "help"', "", "step.help.kind", "missing for an answer"),
    ('kind = "help"', 'kind = "safety_reply"', "step.safety_reply", "shares its kind"),
    ('code = "day-3"', 'code = "day-1"', "step.day-1", "shares its code"),
    ("when = { hours = 2 }", "when = { hours = 40 }", "step.same-day.until", "is not after"),
    ("when = { hours = 2 }", 'when = { hours = 2, at = "10:00" }', "step.same-day.when", "neither"),
    ("when = { hours = 2 }", "when = { days = 2 }", "step.same-day.when", "neither"),
    ("when = { hours = 2 }", "when = {}", "step.same-day.when", "neither"),
    ("when = { hours = 2 }", 'when = { days = -1, at = "10:00" }', "step.same-day.when", "before what it counts"),
    ('at = "10:00"', 'at = "25:00"', "when.at", "wrong shape"),
    ('at = "10:00"', 'at = "10:00:00+01:00"', "when.at", "wrong shape"),
    ("days = 3,", "days = 3.5,", "when.days", "wrong shape"),
    ("days = 3,", "days = true,", "when.days", "wrong shape"),
    ("days = 3,", "days = 99999,", "when.days", "wrong shape"),
    ('channels = ["sms"]', 'channels = ["sms", "sms"]', "channels", "channel twice"),
    ('channels = ["sms"]', "channels = []", "channels", "wrong shape"),
    ('channels = ["sms"]', 'channels = ["pigeon"]', "channels", "wrong shape"),
    ('languages = ["en", "es"]', 'languages = ["en", "es", "en"]', "languages", "language twice"),
    ('languages = ["en", "es"]', 'languages = ["en", "fr"]', "title", "does not match"),
    ('languages = ["en", "es"]', 'languages = ["../etc"]', "languages", "wrong shape"),
    ("[28, 42]", "[42, 28]", "session_interval_days", "ends before it begins"),
    ("[28, 42]", "[28]", "session_interval_days", "wrong shape"),
    ("messages = 14", "messages = 3", "frequency.messages", "promises fewer"),
    ('per = "session"', 'per = "week"', "frequency.per", "wrong shape"),
    ('code = "day-3"', 'code = "day-3"\nfallback = ["sms"]', "step.day-3.fallback", "goes by anyway"),
    ('code = "help"', 'code = "help"\nfallback = ["email"]', "step.help.fallback", "not for answers"),
    ('code = "day-3"', 'code = "day-3"\nfallback = ["fax"]', "step.day-3.fallback", "wrong shape"),
    ('code = "day-3"', 'code = "day-3"\ninstead_of = "day-9"', "step.day-3.instead_of", "could be missed"),
    ('code = "day-3"', 'code = "day-3"\ninstead_of = "day-3"', "step.day-3.instead_of", "could be missed"),
    ('code = "day-1"', 'code = "day-1"\ninstead_of = "day-3"', "step.day-1.instead_of", "may still go"),
    ('code = "day-3"', 'code = "day-3"\ninstead_of = "help"', "step.day-3.instead_of", "another kind"),
    (
        SUN,
        '{ topic = "sun-exposure", telling = "maybe" }',
        "says.0.telling",
        "wrong shape",
    ),
    (
        SUN,
        '{ topic = "sun-exposure", telling = "avoid", from_day = 28, until_day = 28 }',
        "step.same-day.says",
        "ends before",
    ),
    (
        SUN,
        SUN + ', { topic = "sun-exposure", telling = "do" }',
        "step.same-day.says",
        "topic twice",
    ),
    ('code = "help"', 'code = "help"\nsays = [{ topic = "sun", telling = "do" }]', "step.help.says", "from nothing"),
    ('facts = ["S12", "S13"]', 'facts = ["all of them"]', "facts", "wrong shape"),
    ("code = ", "secret = 1\ncode = ", f"{TOML}.secret", "not a known key"),
    ("[[step]]", "[[steps]]", f"{TOML}.steps", "not a known key"),
    ("[28, 42]", "[28, 42", TOML, "not TOML"),
    ("[28, 42]", f"[{'9' * 5000}]", TOML, "not TOML"),
    ('en = "Micro', 'en = "\\u202eMicro', "title.en", "bidirectional"),
    ("[28, 42]", "[28, 42] # \u202e", TOML, "bidirectional"),
]


@pytest.mark.parametrize(("old", "new", "field", "problem"), TOML_FAULTS)
def test_a_fault_in_the_file_is_named(folder: Path, old: str, new: str, field: str, problem: str) -> None:
    """Each odd key or value is refused with its field, never guessed at (P12; rules 50, 52 for until and frequency).

    Marketing is no purpose of any step, so that no soft opt-in has to be proved for it (rules 13, 70).
    """
    spoil(folder, TOML, old, new)
    assert [found for found in faults(folder) if field in found[0] and problem in found[1]]


TEXT_FAULTS = [
    (SMS, "{{ care_url }}", "{{ diagnosis }}", "name it may not use"),
    (SMS, "{{ care_url }}", "{{ unsubscribe_url }}", "name it may not use"),
    (SMS, "{{ care_url }}", "{{ session_date }}", "name it may not use"),
    (MAIL, "{{ first_name }}", "{{ earliest_date }}", "name it may not use"),
    (MAIL, "Subject: ", "Subject: {{ first_name }} ", "name it may not use"),
    (SMS, "{{ care_url }}", "{{ care_url.__class__ }}", "not plain"),
    (SMS, "{{ care_url }}", "{{ care_url[0] }}", "not plain"),
    (SMS, "{{ care_url }}", "{{ care_url() }}", "not plain"),
    (SMS, "{{ care_url }}", "{{ care_url | upper }}", "not plain"),
    (SMS, "{{ care_url }}", "{{ care_url ~ care_url }}", "not plain"),
    (SMS, "{{ care_url }}", "{{ 7 * 7 }}", "not plain"),
    (SMS, "{{ care_url }}", "{{ 'x' * 99999999 }}", "not plain"),
    (SMS, "{{ care_url }}", f"{{{{ {'9' * 5000} }}}}", "not plain"),
    (SMS, "{{ care_url }}", "{% for c in care_url %}x{% endfor %}", "not plain"),
    (SMS, "{{ care_url }}", "{% set care_url = 1 %}", "not plain"),
    (SMS, "{{ care_url }}", "{% include '/etc/passwd' %}", "not plain"),
    (SMS, "{{ care_url }}", "{% if care_url == 'x' %}a{% endif %}", "not plain"),
    (SMS, "{{ care_url }}", "{% if care_url %}a{% else %}b{% endif %}", "not plain"),
    (SMS, "{{ care_url }}", "{% if care_url %}{{ secret }}{% endif %}", "name it may not use"),
    (SMS, "{{ care_url }}", "{% if care_url %}" * 4 + "x" + "{% endif %}" * 4, "nests too deep"),
    (MAIL, "{{ first_name }}", "{% if first_name %}" * 1500 + "x" + "{% endif %}" * 1500, "nests too deep"),
    (SMS, "{{ care_url }}", "{{ care_url", "not a readable template"),
    (SMS, "{{ care_url }}", "{ care_url }", "single brace"),
    (SMS, "notes", "n\u00f3tes", "outside GSM-7"),
    (SMS, "notes", "notes \u2019 and more", "outside GSM-7"),
    (SMS, "notes", "notes" * 40, "SMS parts"),
    (SMS, "notes", "skin notes", "names health"),
    (SMS, "notes", "Micro-needling of stretch marks notes", "names health"),
    (MAIL, "Subject: ", "Subject: Your scar: ", "names health"),
    (SMS, "notes", "offers", "marketing"),
    (MAIL, "Hello", "Book now and save 20%. Hello", "marketing"),
    (HTML, "<p>Hello", "<p>Only today $99! Hello", "marketing"),
    (SMS, "STOP", "WHOA", "how to STOP"),
    (SMS, "{{ clinic_name }}", "We", "does not name the clinic"),
    (SMS, "Urgent?", "Hm?", "when it is urgent"),
    (SMS, "{{ clinic_phone }}", "us", "whom to call"),
    (SMS, "{{ care_url }}", "bit.ly/abc", "shortener"),
    (HTML, "<h1>", '<img src="https://example.com/pixel"><h1>', "loads by"),
    (HTML, "<h1>", "<script>1</script><h1>", "script"),
    (HTML, "{{ unsubscribe_url }}", "#", "has no unsubscribe_url"),
    (MAIL, "{{ clinic_address }}", "", "has no clinic_address"),
    (MAIL, "Subject: ", "Betreff: ", "no subject"),
    (MAIL, "Subject: ", f"Subject: {'x' * 121}", "too long a subject"),
    (SMS, "notes", "no\u200btes", "zero-width"),
    (SMS, "notes", "no\rtes", "control"),
    (MAIL, "Hello", "He\x00llo", "control"),
    ("stop-confirmation.en.sms.txt", "you will get", "Are you sure? You will get", "asks something"),
    (
        "stop-confirmation.en.sms.txt",
        "you will get",
        "as you wished, and from this very day on, you will get",
        "SMS parts",
    ),
    ("optin-confirmation.en.sms.txt", "Msg&data rates may apply. ", "", "rates may apply"),
    ("optin-confirmation.es.sms.txt", "Responda HELP para ayuda o llame", "Llame", "HELP"),
    ("safety-reply.en.sms.txt", "{{ clinic_phone }}", "us", "whom to call"),
]


@pytest.mark.parametrize(("name", "old", "new", "problem"), TEXT_FAULTS)
def test_a_fault_in_a_text_is_named(folder: Path, name: str, old: str, new: str, problem: str) -> None:
    """Unsafe, costly, revealing or incomplete wording is refused under its file (rules 13, 22, 36-41, 74, 104-108)."""
    spoil(folder, name, old, new)
    assert [found for found in faults(folder) if found[0] == name and problem in found[1]]


def test_a_whole_language_of_health_words_is_refused_in_spanish_too(folder: Path) -> None:
    """The locked screen is as public in Spanish (rule 37)."""
    spoil(folder, "day-1.es.sms.txt", "sus notas", "sus notas sobre la piel")
    assert any("names health" in problem for _, problem in faults(folder))


def test_a_missing_text_is_named_for_its_step_language_and_channel(folder: Path) -> None:
    """A client of a language is never left without a text (P5)."""
    for name in ("day-1.es.sms.txt", "day-3.en.email.txt", "help.es.email.html"):
        (folder / name).unlink()
    assert faults(folder) == [
        ("day-1.es.sms.txt", "is missing"),
        ("day-3.en.email.txt", "is missing"),
        ("help.es.email.html", "is missing"),
    ]


@pytest.mark.parametrize("ending", ["email.txt", "email.html"])
def test_an_empty_part_is_refused(folder: Path, ending: str) -> None:
    """Both parts of an email say something (rule 120)."""
    (folder / f"day-1.en.{ending}").write_text("Subject: Hello\n\n\n" if ending == "email.txt" else "\n")
    assert (f"day-1.en.{ending}", "is empty") in faults(folder)


def test_a_text_without_a_step_is_refused(folder: Path) -> None:
    """A file that nobody sends would look approved beside the others."""
    (folder / "day-99.en.sms.txt").write_text("hello")
    (folder / "day-1.fr.sms.txt").write_text("bonjour")
    (folder / "odd \u202e name").write_text("")
    found = dict(faults(folder))
    assert {"day-99.en.sms.txt", "day-1.fr.sms.txt"} < set(found)
    assert len(found) == 3
    assert not any("\u202e" in field for field in found)


def test_oversize_and_foreign_encodings_are_refused(folder: Path) -> None:
    """A file is read up to its limit only, and never decoded by guess."""
    (folder / SMS).write_bytes(b"x" * (LARGEST + 1))
    (folder / MAIL).write_bytes("Subject: Grüße\n\nHallo".encode("latin-1"))
    (folder / HTML).write_bytes("<p>hello</p>".encode("utf-16"))
    assert faults(folder) == [(HTML, "is not UTF-8"), (MAIL, "is not UTF-8"), (SMS, "is larger than 64 kB")]


def test_a_link_in_the_folder_is_never_followed(folder: Path, tmp_path: Path) -> None:
    """What a link leads to can change after approval, and may be any file of the machine."""
    secret = tmp_path / "secret"
    secret.write_text("ZZSECRETZZ")
    (folder / SMS).unlink()
    (folder / SMS).symlink_to(secret)
    (folder / MAIL).unlink()
    (folder / MAIL).mkdir()
    assert faults(folder) == [(MAIL, "is not a plain file"), (SMS, "is not a plain file")]


@pytest.mark.parametrize("name", ["nowhere", "nowhere/protocol.toml"])
def test_a_folder_that_is_not_there_is_a_refusal(tmp_path: Path, name: str) -> None:
    """A wrong path is an answer, not a traceback (P12)."""
    assert [field for field, _ in faults(tmp_path / name)] == [TOML]


def test_all_faults_come_at_once(folder: Path) -> None:
    """Whoever mends a protocol mends it in one go: file and texts are both checked to the end (P12)."""
    spoil(folder, TOML, "[28, 42]", "[42, 28]")
    spoil(folder, TOML, "messages = 14", "messages = 3")
    spoil(folder, SMS, "STOP", "WHOA")
    (folder / "day-3.es.email.html").unlink()
    assert {field for field, _ in faults(folder)} == {
        f"{TOML}.session_interval_days",
        f"{TOML}.frequency.messages",
        SMS,
        "day-3.es.email.html",
    }


def test_a_condition_on_a_name_is_allowed(folder: Path) -> None:
    """A greeting may depend on whether the first name can be written (rule 105)."""
    spoil(folder, SMS, ": your", ": {% if first_name %}{{ first_name }}, {% endif %}your")
    assert "{% if first_name %}" in read_protocol(folder).step("day-1").text(Channel.SMS, "en").text
