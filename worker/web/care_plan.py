"""What one client may read behind her care link: her steps, their days, and the words that were approved for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape, unescape
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from worker import rendering, sealed, tokens
from worker.models import Appointment, Approval, Contact, Link, Message, Treatment
from worker.models.appointment import AppointmentStatus
from worker.rules.names import Channel, MessageClass, Purpose
from worker.rules.plan import moment
from worker.rules.states import State
from worker.rules.steps import OF_CALENDAR, Anchor
from worker.values import link_url, template_values

if TYPE_CHECKING:
    from datetime import datetime

    from worker.rules.steps import StepRule

NOT_COMING = (State.CANCELLED, State.WITHHELD, State.MISSED, State.REFUSED)
_TITLE = re.compile(r"<h1\b[^>]*>(.*?)</h1>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One step on the client's calendar."""

    rule: StepRule
    at: datetime  # sent, or due, or when the protocol has it


class Course:
    """One link's course, read once: version, messages, treatment and visits of this client alone."""

    def __init__(self, link: Link) -> None:
        """Load what the page needs."""
        self.link, self.clinic, self.client = link, link.clinic, link.client
        self.version = rendering.version(link.version.document)
        self.zone = ZoneInfo(self.client.zone)
        known = self.version.source.languages
        self.language = self.client.language if self.client.language in known else known[0]
        messages = Message.objects.filter(care=link, client=link.client, cls=MessageClass.COURSE)
        messages = messages.exclude(treatment__voided_at__isnull=False)  # the days of what never was are nobody's days
        self._messages = list(messages.select_related("step", "appointment").order_by("pk"))
        sessions = Treatment.objects.filter(client=link.client, version__protocol=link.version.protocol_id)
        on_record = list(sessions.order_by("-performed_at", "-pk"))
        self.treatment = next((each for each in on_record if each.voided_at is None), None)
        self._all_taken_back = bool(on_record) and self.treatment is None

    def rule(self, ordinal: int) -> StepRule | None:
        """The step of that number in this version."""
        return next((step.rule for step in self.version.source.steps if step.rule.ordinal == ordinal), None)

    def asked(self, rule: StepRule) -> tuple[tuple[str, str], ...]:
        """The check-in of a step: each question's code, and its approved words; none where the step asks nothing."""
        source = self.version.source
        if source.checkin is None:
            return ()
        questions = source.checkin.asked(source.step(rule.code).questions)
        return tuple((each.code, each.text[self.language]) for each in questions)

    def told(self, *, red: bool) -> str:
        """The approved words for her answers: whom to call, never what they may mean (rule 41)."""
        checkin = self.version.source.checkin
        return (checkin.urgent if red else checkin.calm)[self.language] if checkin else ""

    def entries(self) -> list[Entry]:
        """Every care step that has a day, in order of days; after a STOP too, for the care goes on (rule 35)."""
        rules = [step.rule for step in self.version.source.steps if step.rule.cls is MessageClass.COURSE]
        dated = [(rule, self._day(rule)) for rule in rules if rule.purpose is not Purpose.MARKETING]
        found = [Entry(rule=rule, at=at) for rule, at in dated if at is not None]
        return sorted(found, key=lambda entry: (entry.at, entry.rule.ordinal))

    def _day(self, rule: StepRule) -> datetime | None:
        coming = [each for each in self._of(rule) if each.state not in NOT_COMING]
        if coming:
            return min(each.sent_at or each.due_at for each in coming)
        if rule.anchor is Anchor.TREATMENT and self.treatment is not None and not rule.instead_of:
            return moment(rule.when, self.treatment.performed_at, self.zone)
        return None

    def _of(self, rule: StepRule) -> list[Message]:
        return [each for each in self._messages if each.step.code == rule.code]

    def is_true_now(self, rule: StepRule) -> bool:
        """False when the text speaks of a cancelled visit, of none while one is booked, or of no session (P7)."""
        if rule.anchor in (Anchor.APPOINTMENT, *OF_CALENDAR):
            visit = self._visit(rule)
            ended = visit is not None and visit.status == AppointmentStatus.CANCELLED
            return visit is not None and ended == (rule.anchor is Anchor.CANCELLATION)
        if self._all_taken_back and rule.anchor in (Anchor.TREATMENT, Anchor.COURSE):
            return False
        if rule.anchor is Anchor.COURSE:
            booked = Appointment.objects.filter(client=self.client, status=AppointmentStatus.BOOKED)
            return not booked.exists()
        return True

    def _visit(self, rule: StepRule) -> Appointment | None:
        visits = [each.appointment for each in self._of(rule) if each.appointment is not None]
        return visits[-1] if visits else None

    def text(self, rule: StepRule) -> str:
        """The approved words of a step as HTML: its email, else its SMS. Raises CannotRender, Unreadable."""
        channel = Channel.EMAIL if Channel.EMAIL in rule.channels else Channel.SMS
        written = self.version.write(
            step=rule.code, channel=channel, language=self.language, values=self._values(rule, channel)
        )
        return written.html or f"<p>{escape(written.text)}</p>"

    def title(self, rule: StepRule) -> str:
        """What a step is called: its text's first heading, else the course's own name. Raises as `text`."""
        heading = _TITLE.search(self.text(rule))
        words = " ".join(unescape(_TAG.sub(" ", heading[1])).split()) if heading else ""
        return words or dict(self.version.source.title)[self.language]

    def _values(self, rule: StepRule, channel: Channel) -> dict[str, str]:
        visit = self._visit(rule)
        name = self.client.name_sealed
        return template_values(
            channel=channel,
            language=self.language,
            zone=self.zone,
            clinic=self.clinic,
            name=sealed.unseal(name, "client.name") if name else "",
            messages_promised=self.version.source.frequency,
            interval_days=self.version.source.interval_days,
            care_url=self.url(rule),
            unsubscribe_url=link_url("u", self._way_out()),
            session_at=visit.starts_at if visit else None,
            treated_at=self.treatment.performed_at if self.treatment else None,
        )

    def url(self, rule: StepRule) -> str:
        """This client's own page of a step."""
        return link_url("c", self.link.key, rule.ordinal) or ""

    def _way_out(self) -> int | None:
        """The key that ends her emails, or her texts when she has no mailbox here."""
        contacts = Contact.objects.filter(client=self.client, address_sealed__isnull=False, valid_to__isnull=True)
        return contacts.order_by("channel").values_list("link_key", flat=True).first()  # "email" comes before "sms"


def opened(token: str) -> tuple[Link, int] | None:
    """The link a token names and the number of its step; None when forged, ended, or its client is erased."""
    named = tokens.read("c", token)
    if named is None:
        return None
    living = Link.objects.filter(key=named.key, ended_at__isnull=True, client__erased_at__isnull=True)
    link = living.select_related("clinic", "client", "version").first()
    return (link, named.step) if link else None


def is_approved(course: Course, now: datetime) -> bool:
    """True while a practitioner's approval of exactly these words stands and its review is not overdue (P3)."""
    return Approval.objects.filter(
        version=course.link.version, sha256=course.version.sha256, withdrawn_at__isnull=True, review_by__gt=now
    ).exists()
