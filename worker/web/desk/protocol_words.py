"""A protocol's own terms in the words of whoever reads the desk's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import get_language_info, ngettext, ngettext_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from worker.rules.names import MessageClass
from worker.rules.steps import Anchor, Elapsed, IfClosed
from worker.web.desk.agreed_words import CHANNELS, PURPOSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from worker.intake.protocol import ProtocolSource, SourceStep
    from worker.intake.protocol_checkin import CheckinShape
    from worker.rules.steps import StepRule, When

ANCHORS = {
    Anchor.ENROLMENT: lazy("the enrolment"),
    Anchor.TREATMENT: lazy("the treatment"),
    Anchor.APPOINTMENT: lazy("the visit"),
    Anchor.COURSE: lazy("the last session, while no other is booked"),
    Anchor.CHANGE: lazy("a change of the visit that stands in her calendar"),
    Anchor.CANCELLATION: lazy("the end of a visit that stands in her calendar"),
    Anchor.REPLY: lazy("her own act"),
}
IF_CLOSED = [
    (IfClosed.EARLIER.value, lazy("goes earlier, while the hours allow it; else staff tell her")),
    (IfClosed.HAND_OVER.value, lazy("staff tell her")),
    (IfClosed.SKIP.value, lazy("it is left out")),
]
CLASSES = {
    MessageClass.COURSE: lazy("of the course"),
    MessageClass.ANSWER: lazy("an answer to her own act"),
    MessageClass.STAFF: lazy("to staff"),
}
RED = {"yes": lazy("yes is a warning"), "no": lazy("no is a warning"), "": lazy("neither answer is a warning")}
REACHED = {
    "": lazy("get the correction now"),
    "on_hold": lazy("are on hold: theirs waits until somebody has looked"),
    "planned_before": lazy("had this correction planned before"),
    "stopped": lazy("said stop: tell them in person"),
    "no_consent": lazy("never agreed to be written to for this: tell them in person"),
    "no_address": lazy("have no address left on a channel of the correction"),
    "erased": lazy("are erased"),
}
"""What becomes of a correction for those who got a version, in the order in which a page shows it."""
EFFECTS = {
    "comes": ngettext_lazy("%(n)d message would come", "%(n)d messages would come", "n"),
    "ends": ngettext_lazy("%(n)d message would end", "%(n)d messages would end", "n"),
    "moves": ngettext_lazy(
        "%(n)d message would move to another hour", "%(n)d messages would move to another hour", "n"
    ),
    "says otherwise": ngettext_lazy(
        "%(n)d message would say something else", "%(n)d messages would say something else", "n"
    ),
}
WHAT = {
    "title": lazy("Title"),
    "languages": lazy("Languages"),
    "days between sessions": lazy("Days between sessions"),
    "messages promised": lazy("Messages promised at opt-in"),
    "check-in": lazy("Check-in questions"),
    "when": lazy("When it goes"),
    "channels": lazy("Channels"),
    "purpose": lazy("Purpose"),
    "questions": lazy("Questions on the care page"),
    "sms text": lazy("Text message"),
    "email subject": lazy("Subject of the email"),
    "email text": lazy("Email, plain"),
    "email html": lazy("Email, with headings and links (HTML)"),
}
"""What can differ between two versions."""


def what(said: str) -> str:
    """One difference by its name: "Text message, English"."""
    channel, _space, rest = said.partition(" ")
    code, _space, part = rest.partition(" ")
    if f"{channel} {part}" in WHAT:
        return f"{WHAT[f'{channel} {part}']}, {language(code)}"
    return str(WHAT.get(said, said))


def moment(when: When, anchor: Anchor) -> str:
    """In words: "3 days after the treatment, 10:00", "4:30 h after the treatment"."""
    of = ANCHORS.get(anchor, anchor.value)
    if isinstance(when, Elapsed):
        minutes = int(when.delta.total_seconds()) // 60
        if not minutes:
            return _("at once after %(of)s") % {"of": of}
        return _("%(hours)s h after %(of)s") % {"of": of, "hours": f"{minutes // 60}:{minutes % 60:02}"}
    named = {"of": of, "n": abs(when.days), "at": f"{when.at:%H:%M}"}
    if when.days > 0:
        return ngettext("%(n)d day after %(of)s, %(at)s", "%(n)d days after %(of)s, %(at)s", when.days) % named
    if when.days < 0:
        return ngettext("%(n)d day before %(of)s, %(at)s", "%(n)d days before %(of)s, %(at)s", -when.days) % named
    return _("on the day of %(of)s, %(at)s") % named


def span(rule: StepRule) -> tuple[str, str]:
    """When a step is due, and until when it is still true."""
    return moment(rule.when, rule.anchor), moment(rule.until, rule.anchor)


def whole(source: ProtocolSource) -> dict[str, str]:
    """What a protocol says of itself, by the names of WHAT."""
    least, most = source.interval_days
    said = {
        "title": "\n".join(f"{language(code)}: {title}" for code, title in source.title),
        "languages": ", ".join(map(language, source.languages)),
        "days between sessions": _("%(least)d to %(most)d") % {"least": least, "most": most},
        "messages promised": str(source.frequency),
    }
    return said | ({"check-in": "\n".join(_asked(source.checkin))} if source.checkin else {})


def _asked(checkin: CheckinShape) -> Iterator[str]:
    for each in checkin.question:
        yield f"{each.code}: {RED[each.red]}"
        yield from _spoken(each.text)
    for label, words in ((_("After answers that are all well"), checkin.calm), (_("After a warning"), checkin.urgent)):
        yield f"{label}:"
        yield from _spoken(words)


def _spoken(words: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{language(code)}: {text}" for code, text in words.items())


def frame(step: SourceStep) -> dict[str, str]:
    """When a step goes, by what, to what end, and what is asked after it; by the names of WHAT."""
    rule = step.rule
    when, until = span(rule)
    hours = [
        when,
        _("is true until: %(until)s") % {"until": until},
        _("where the hours leave no time: %(closed)s") % {"closed": dict(IF_CLOSED)[rule.if_closed.value]},
    ]
    return {
        "when": "\n".join(hours),
        "channels": ", ".join(str(CHANNELS[channel]) for channel in rule.channels),
        "purpose": f"{CLASSES[rule.cls]}, {PURPOSES[rule.purpose]}",
        "questions": ", ".join(step.questions),
    }


def language(code: str) -> str:
    """A language by its own name; its code where nobody here knows it."""
    try:
        return str(get_language_info(code)["name_local"]).capitalize()
    except KeyError:
        return code
