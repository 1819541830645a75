"""The shipped protocol, read once for the tests about it."""

from __future__ import annotations

import re
from functools import cache
from html import unescape
from pathlib import Path

from worker.intake.protocol import ProtocolSource, SourceStep, StepText, read_protocol
from worker.rules.names import Channel, MessageClass, Purpose

FOLDER = Path(__file__).parents[2] / "templates/messages/microneedling-stretch-marks"


@cache
def protocol() -> ProtocolSource:
    return read_protocol(FOLDER)


def texts(channel: Channel) -> list[tuple[SourceStep, StepText]]:
    return [(step, text) for step in protocol().steps for text in step.texts if text.channel is channel]


def course(purpose: Purpose) -> list[SourceStep]:
    steps = protocol().steps
    return [step for step in steps if step.rule.cls is MessageClass.COURSE and step.rule.purpose is purpose]


def advice() -> list[tuple[SourceStep, StepText]]:
    """Every aftercare email: one entry for each step and language."""
    return [(step, text) for step, text in texts(Channel.EMAIL) if step in course(Purpose.AFTERCARE)]


def words(text: str) -> str:
    """The words of either part of an email in one line: no tags, no list marks, no line ends."""
    plain = unescape(re.sub(r"<[^>]+>", " ", text))
    return " ".join(re.sub(r"^\s*- ", "", plain, flags=re.MULTILINE).split())


def before_footer(text: str) -> str:
    """What a message says, without who sent it and how to end it."""
    return re.split(r"\n--\n|<p>\{\{ clinic_name \}\}<br>", text)[0]
