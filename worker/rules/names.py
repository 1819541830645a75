"""The words the field uses, spelled once: channels, purposes and classes of message."""

from __future__ import annotations

from enum import StrEnum

CIRCUIT = "circuit"  # who gave a pause that a provider's refusal of the sender caused
SYSTEM = "system"  # who gave the pause of a database that was put back, and did what nobody asked for
NOBODY = (CIRCUIT, SYSTEM, "provider", "client")
"""How records name who is none of the clinic's people. Typed by one of them, such a name would be believed: what a
circuit or a restore paused ends by itself, so a person's pause would too, and texts go out that she had stopped."""


class Channel(StrEnum):
    """How a message reaches a client."""

    SMS = "sms"
    EMAIL = "email"


class Purpose(StrEnum):
    """What a client agreed to be written to about (rule 1); the first two are "service"."""

    AFTERCARE = "aftercare"
    REMINDERS = "reminders"
    MARKETING = "marketing"


class MessageClass(StrEnum):
    """Course messages need consent; answers need the client's own act; staff messages have their own opt-in."""

    COURSE = "course"
    ANSWER = "answer"
    STAFF = "staff"


class AnswerKind(StrEnum):
    """The fixed list of answers that may leave without active consent, each once per cause."""

    OPTIN_QUESTION = "optin_question"
    OPTIN_CONFIRMATION = "optin_confirmation"
    STOP_CONFIRMATION = "stop_confirmation"
    START_CONFIRMATION = "start_confirmation"
    HELP = "help"
    SAFETY_REPLY = "safety_reply"
    STAFF_REPLY = "staff_reply"


class StaffKind(StrEnum):
    """The fixed list of messages to staff, each to people who agreed to them."""

    STAFF_ALERT = "staff_alert"


class CourseKind(StrEnum):
    """Course messages that no plan brings: a practitioner sends one by hand, through every gate."""

    CORRECTION = "correction"


StepKind = AnswerKind | StaffKind | CourseKind


def step_kind(word: str) -> StepKind | None:
    """The kind that a word names; "" is None, an ordinary step of a course. Raises ValueError."""
    for kinds in (AnswerKind, StaffKind, CourseKind):
        if word in set(kinds):
            return kinds(word)
    if word:
        raise ValueError("no such kind of step")
    return None
