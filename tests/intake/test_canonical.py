"""An approval is bound to one hash: what a client may see or feel changes it, how a file is laid out does not (P3)."""

from __future__ import annotations

import json
import shutil
import tomllib
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.intake.canonical import canonical, canonical_hash, from_canonical
from worker.intake.protocol import ProtocolSource, SourceStep, StepText, read_protocol
from worker.rules.names import AnswerKind, Channel, MessageClass, Purpose
from worker.rules.steps import Anchor, Calendar, Elapsed, IfClosed, Instruction, StepRule, Telling

SHIPPED = Path(__file__).parents[2] / "templates/messages/microneedling-stretch-marks"


@cache
def shipped() -> ProtocolSource:
    return read_protocol(SHIPPED)


def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "protocol"))


def with_step(source: ProtocolSource, index: int, step: SourceStep) -> ProtocolSource:
    return replace(source, steps=(*source.steps[:index], step, *source.steps[index + 1 :]))


def with_rule(source: ProtocolSource, index: int, **changes: object) -> ProtocolSource:
    step = source.steps[index]
    return with_step(source, index, replace(step, rule=replace(step.rule, **changes)))


STEPS = st.integers(0, 15)
LETTERS = st.sampled_from(["x", " ", "\n", "é", "e\u0301", "{{ clinic_name }}"])


@st.composite
def changed_texts(draw: st.DrawFn) -> ProtocolSource:
    """The shipped protocol with one letter more somewhere in one of its texts, subjects or HTML parts."""
    index = draw(STEPS)
    step = shipped().steps[index]
    at = draw(st.integers(0, len(step.texts) - 1))
    text = step.texts[at]
    part = draw(st.sampled_from(["text"] if text.channel is Channel.SMS else ["text", "subject", "html"]))
    words = getattr(text, part)
    cut = draw(st.integers(0, len(words)))
    spoilt = replace(text, **{part: words[:cut] + draw(LETTERS) + words[cut:]})
    return with_step(shipped(), index, replace(step, texts=(*step.texts[:at], spoilt, *step.texts[at + 1 :])))


@settings(max_examples=60, deadline=None)
@given(changed_texts())
def test_every_letter_of_every_text_counts(changed: ProtocolSource) -> None:
    """One letter more in any text, subject or HTML is another protocol (P3, rule 10)."""
    assert canonical_hash(changed) != canonical_hash(shipped())


@settings(max_examples=40, deadline=None)
@given(STEPS, st.sampled_from(["when", "until"]), st.integers(1, 86_400))
def test_every_second_of_timing_counts(index: int, field: str, seconds: int) -> None:
    """A practitioner approves the hour as well as the words."""
    moment = getattr(shipped().steps[index].rule, field)
    later = (
        Elapsed(delta=moment.delta + timedelta(seconds=seconds))
        if isinstance(moment, Elapsed)
        else Calendar(days=moment.days + 1 + seconds // 3600, at=moment.at)
    )
    assert canonical_hash(with_rule(shipped(), index, **{field: later})) != canonical_hash(shipped())


@pytest.mark.parametrize(
    "change",
    [
        {"cls": MessageClass.STAFF},
        {"purpose": Purpose.MARKETING},
        {"anchor": Anchor.REPLY},
        {"if_closed": IfClosed.SKIP},
        {"channels": (Channel.EMAIL,)},
        {"code": "another"},
    ],
)
def test_every_rule_of_a_step_counts(change: dict[str, object]) -> None:
    """Class, purpose, anchor, channels and what happens when closed are part of what is approved."""
    assert canonical_hash(with_rule(shipped(), 6, **change)) != canonical_hash(shipped())


@pytest.mark.parametrize(
    "change",
    [
        {"code": "another"},
        {"title": (("en", "Other"), ("es", "Otro"))},
        {"languages": ("en",)},
        {"languages": ("es", "en")},
        {"interval_days": (28, 43)},
        {"frequency": 13},
    ],
)
def test_every_key_of_the_protocol_counts(change: dict[str, object]) -> None:
    """Title, languages (the first is the fallback), interval and the promised number are approved too."""
    assert canonical_hash(replace(shipped(), **change)) != canonical_hash(shipped())


def test_the_kind_of_an_answer_counts() -> None:
    """The same words as another answer would leave for another reason."""
    step = shipped().steps[0]
    changed = with_step(shipped(), 0, replace(step, kind=AnswerKind.HELP))
    assert canonical_hash(changed) != canonical_hash(shipped())


def _rewritten(folder: Path) -> None:
    """protocol.toml with its keys and steps in another order, and with other comments."""
    raw = tomllib.loads((folder / "protocol.toml").read_text("utf-8"))
    lines = ["# quite another comment"]
    lines += [f"{key} = {_toml(value)}" for key, value in reversed(raw.items()) if key != "step"]
    for step in reversed(raw["step"]):
        lines += ["", "[[step]] # here", *(f"{key} = {_toml(value)}" for key, value in reversed(step.items()))]
    (folder / "protocol.toml").write_text("\n".join(lines), "utf-8")


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in reversed(value.items())) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def test_order_and_comments_do_not_count(tmp_path: Path) -> None:
    """Two files that say the same are one protocol, down to the ordinals of its steps."""
    folder = copied(tmp_path)
    _rewritten(folder)
    assert read_protocol(folder) == shipped()
    assert canonical(read_protocol(folder)) == canonical(shipped())


def test_line_ends_of_another_system_do_not_count(tmp_path: Path) -> None:
    """A checkout that writes CRLF changes no message, so it costs no approval."""
    folder = copied(tmp_path)
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert canonical(read_protocol(folder)) == canonical(shipped())
    assert b"\\r" not in canonical(shipped())


def test_the_facts_are_not_part_of_what_is_approved() -> None:
    """The numbers of the facts change no message a client gets."""
    step = shipped().steps[5]
    changed = with_step(shipped(), 5, replace(step, facts=()))
    assert canonical_hash(changed) == canonical_hash(shipped())


def test_what_was_stored_is_read_back_whole() -> None:
    """Messages are rendered from the stored form: it loses nothing but the facts (P3)."""
    back = from_canonical(canonical(shipped()))
    assert canonical(back) == canonical(shipped())
    assert back == replace(shipped(), steps=tuple(replace(step, facts=()) for step in shipped().steps))
    assert from_canonical(canonical(shipped()).decode()) == back


def test_another_format_is_never_guessed_at() -> None:
    """A form written by a later version is refused, not half understood."""
    with pytest.raises(ValueError, match="format"):
        from_canonical(canonical(shipped()).replace(b'"format":1', b'"format":2'))


def test_the_form_is_plain_and_pinned() -> None:
    """The bytes behind the hash: sorted keys, UTF-8, letters as written; a change here ends every approval."""
    rule = StepRule(
        code="a",
        cls=MessageClass.COURSE,
        anchor=Anchor.TREATMENT,
        when=Elapsed(delta=timedelta(hours=2)),
        until=Elapsed(delta=timedelta(hours=3)),
        channels=(Channel.SMS,),
        purpose=Purpose.AFTERCARE,
        if_closed=IfClosed.EARLIER,
        ordinal=1,
    )
    text = StepText(channel=Channel.SMS, language="es", text="e\u0301 é ñ\n")
    source = ProtocolSource(
        code="p",
        title=(("es", "Título"),),
        languages=("es",),
        interval_days=(1, 2),
        frequency=3,
        steps=(SourceStep(rule=rule, kind=None, facts=("S1",), texts=(text,)),),
    )
    assert canonical(source).decode() == (
        '{"code":"p","format":1,"frequency":{"messages":3,"per":"session"},"languages":["es"],'
        '"session_interval_days":[1,2],"steps":{"a":{"anchor":"treatment","channels":["sms"],"class":"course",'
        '"if_closed":"earlier","kind":"","purpose":"aftercare","texts":{"sms.es":{"text":"e\u0301 é ñ\\n"}},'
        '"until":{"seconds":10800},"when":{"seconds":7200}}},"title":{"es":"Título"}}'
    )


def test_what_a_step_says_to_machines_is_approved_too() -> None:
    """P3: a substitute and a topic are part of the hash; a protocol without them keeps the hash it had."""
    says = (Instruction(topic="sun", telling=Telling.AVOID, until_day=14), Instruction(topic="gym", telling=Telling.DO))
    at = next(place for place, step in enumerate(shipped().steps) if step.rule.code == "day-3")
    rule = shipped().steps[at].rule
    for change in ({"instead_of": "day-1"}, {"says": says}, {"says": says[:1]}):
        changed = with_step(shipped(), at, replace(shipped().steps[at], rule=replace(rule, **change)))
        assert canonical_hash(changed) != canonical_hash(shipped())
        assert from_canonical(canonical(changed)).step("day-3").rule == replace(rule, **change)
    assert b"instead_of" not in canonical(shipped())
    assert b"fallback" not in canonical(shipped())
