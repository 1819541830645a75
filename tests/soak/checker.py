"""Judges a soak by what the outside saw, with its own idea of consent, hours and approval; it shares no code with ours.

Every count but `late` must be zero. The slack is what a loaded machine may take from the first byte to the provider's
note of it: no promise, a measuring error.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.soak.evidence import READING, RESTORED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.soak.evidence import Arrival, Commit, Evidence

PROTOCOL = Path(__file__).parents[2] / "templates" / "messages" / "microneedling-stretch-marks" / "protocol.toml"
SECOND, SLACK = 1.0, 2.0
COUNTS = (
    "lost", "doubled", "after stop", "without consent", "unapproved", "out of hours", "outdated", "astray", "untrue",
)  # fmt: skip
YES = {"given", "confirmed", "restored"}
SENT = {"accepted", "delivered", "undelivered"}
ENDS = SENT | {"refused", "withheld", "cancelled", "missed"}
DOUBTED = {"unknown", "unresolved"}
CONFIRMS = "optin_confirmation"
MAY_FOLLOW_A_STOP = {"stop_confirmation", "help", "safety_reply"}
SAYS_STOP = {
    "stop", "stop please", "unsubscribe", "end", "stop texting me", "stopall", "please remove me from your list",
}  # fmt: skip
ENDS_A_COURSE = {"stop": ("phone",), "link": ("email",), "desk": ("phone", "email")}  # what is silent afterwards
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Fault = tuple[str, str, str]  # count, class of message, what was seen


@dataclass(slots=True)
class Verdict:
    """Faults by count and class, each in words; and what was seen at all."""

    faults: list[Fault] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    late: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    unrecovered: int = 0  # left in the time that a restored copy does not know, and no list told of it
    chance: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # of what was missed, seconds

    def counts(self) -> dict[str, int]:
        """How many of each."""
        found = Counter(count for count, _, _ in self.faults)
        return {name: found[name] for name in COUNTS}


def judge(evidence: Evidence, *, slack: float = SLACK) -> Verdict:
    """Everything that was wrong with a run that has come to its end; `slack` in seconds."""
    verdict = Verdict()
    court = _Court(evidence, slack)
    for arrival in evidence.arrivals():
        verdict.faults += court.on(arrival, verdict)
    for check in (court.doubled, court.lost, court.unplanned, court.untrue, court.heard_stop, court.repeated,
                  court.ended_in_the_lost_time):  # fmt: skip
        verdict.faults += check()
    for message in evidence.messages.values():
        verdict.ended[f"{message['state']} {message['reason']}".strip()] += 1
        if message["state"] == "missed":
            had = evidence.machine(message["expires_at"]) - evidence.machine(message["due_at"])
            verdict.chance[message["cls"]].append(had)
    return verdict


class _Court:
    """One run before its judge."""

    def __init__(self, evidence: Evidence, slack: float) -> None:
        self.e = evidence
        self._within = SECOND + slack
        self.came: dict[int, list[Arrival]] = defaultdict(list)
        self._gone: list[Arrival] = []  # in the lost time, and nothing here explains it
        self._later: list[Arrival] = []  # course messages and their confirmations after it
        self._stored = {pk: hashlib.sha256(text.encode()).hexdigest() for pk, text in evidence.documents.items()}
        self._hours, self._steps = _hours(), _steps()

    def on(self, arrival: Arrival, verdict: Verdict) -> Iterator[Fault]:
        """What is wrong with one arrival by itself."""
        attempt = self.e.attempts.get(arrival.attempt)
        if attempt is None and self.e.is_lost(arrival.at):
            verdict.unrecovered += 1
            self._gone.append(arrival)
            return
        if attempt is None:
            yield "astray", "none", f"a message at {arrival.at:.3f} that no attempt of ours explains"
            return
        message = self.e.messages[attempt["message_id"]]
        self.came[message["id"]].append(arrival)
        cls = message["cls"]
        verdict.sent[cls] += 1
        verdict.late[cls].append(max(0.0, arrival.at - self.e.machine(message["due_at"])))
        checks: list[Callable[[Arrival, dict[str, Any], dict[str, Any]], Iterator[tuple[str, str]]]] = [
            self._person,
            self._approval,
            self._useful,
        ]
        if self.e.lost and arrival.at > self.e.lost[1] and (cls == "course" or message["kind"] == CONFIRMS):
            self._later.append(arrival)
        if attempt.get("worker") == RESTORED:
            checks += [self._hour] if cls == "course" else []  # its decision and the acts before it are lost
        else:
            checks += [self._consent, self._second, self._hour] if cls == "course" else [self._answer]
        for check in checks:
            yield from (
                (count, cls, f"message {message['id']}: {why}") for count, why in check(arrival, attempt, message)
            )

    def _person(self, arrival: Arrival, _: dict[str, Any], message: dict[str, Any]) -> Iterator[tuple[str, str]]:
        person = self.e.people.get(message["client_id"])
        if person is None or arrival.to != person["phone" if arrival.channel == "sms" else "email"]:
            yield "astray", "came to somebody else"

    def _approval(
        self, arrival: Arrival, attempt: dict[str, Any], message: dict[str, Any]
    ) -> Iterator[tuple[str, str]]:
        document = self._stored[message["version_id"]]
        shown = self._shown(arrival)
        standing = [
            each
            for each in self.e.approvals.get(message["version_id"], [])
            if each["sha256"] == document
            and each["approved_at"] <= shown[-1]
            and shown[0] < min(each["review_by"], each["withdrawn_at"])
        ]
        words = hashlib.sha256(arrival.text.replace("\r\n", "\n").strip().encode()).hexdigest()
        if not standing:
            yield "unapproved", "left without a standing approval of what is stored"
        if words != attempt["body_sha256"]:
            yield "unapproved", "left with other words than were decided on"

    def _useful(self, arrival: Arrival, _: dict[str, Any], message: dict[str, Any]) -> Iterator[tuple[str, str]]:
        if self._shown(arrival)[0] >= message["expires_at"]:
            yield "outdated", "came after its last useful moment"

    def _shown(self, arrival: Arrival) -> list[float]:
        """What the calendar showed since its decision began, a second and the slack ago at most; earliest first."""
        attempt, decided = self.e.attempts[arrival.attempt], self.e.decided.get(arrival.attempt)
        start = self.e.start_of(attempt, decided) - READING if decided else 0.0
        return self.e.calendars(max(arrival.at - self._within, min(start, arrival.at)), arrival.at)

    def _hour(self, arrival: Arrival, _: dict[str, Any], message: dict[str, Any]) -> Iterator[tuple[str, str]]:
        person = self.e.people.get(message["client_id"])
        if person and not any(self._open(arrival.channel, at, person["zone"]) for at in self._shown(arrival)):
            wall = datetime.fromtimestamp(self._shown(arrival)[-1], ZoneInfo(person["zone"]))
            yield "out of hours", f"came at {wall:%a %d %b %H:%M} in {person['zone']}"

    def _open(self, channel: str, calendar: float, zone: str) -> bool:
        wall = datetime.fromtimestamp(calendar, ZoneInfo(zone))
        return any(first <= wall.time() < last for first, last in self._hours[channel][wall.weekday()])

    def _acts(self, message: dict[str, Any]) -> list[tuple[Commit, str]]:
        mine = self.e.ledger.get((message["client_id"], message["standing_id"], message["purpose"]), [])
        anybodys = self.e.ledger.get((None, message["standing_id"], message["purpose"]), [])
        closed = [(commit, "revoked") for commit in self.e.stops.get(message["standing_id"], [])]
        return sorted([*mine, *anybodys, *closed], key=lambda pair: pair[0].order)

    def _consent(self, arrival: Arrival, _: dict[str, Any], message: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """P1 and P2 by the order of commits: her last word before the decision was yes, and no doubt held it."""
        decided = self.e.decided.get(arrival.attempt)
        if decided is None:
            yield "without consent", "left without a decision on record"
            return
        before = [act for commit, act in self._acts(message) if commit.order < decided.order]
        if not before or before[-1] not in YES:
            yield (
                ("after stop" if "revoked" in before else "without consent"),
                f"decided after {before[-1:] or 'nothing'}",
            )
        if any(hold.order < decided.order for hold in self.e.holds.get(message["standing_id"], [])):
            yield "after stop", "decided after its address was held"

    def _second(self, arrival: Arrival, attempt: dict[str, Any], message: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """P2: decided before the revocation, it starts within 1 s of that decision's start, or it is decided again."""
        decided = self.e.decided.get(arrival.attempt)
        late = arrival.at - self.e.start_of(attempt, decided) if decided else 0.0
        ends = [commit for commit, act in self._acts(message) if act == "revoked"]
        ends += self.e.holds.get(message["standing_id"], [])
        if decided and late > self._within and any(decided.order < end.order and end.at < arrival.at for end in ends):
            yield "after stop", f"its call began {late:.1f} s after its decision, past a revocation"

    def _answer(self, arrival: Arrival, _: dict[str, Any], message: dict[str, Any]) -> Iterator[tuple[str, str]]:
        decided = self.e.decided.get(arrival.attempt)
        before = [act for commit, act in self._acts(message) if decided and commit.order < decided.order]
        if before[-1:] == ["revoked"] and message["kind"] not in MAY_FOLLOW_A_STOP:
            yield "after stop", f"a {message['kind']} decided after a stop"

    def doubled(self) -> Iterator[Fault]:
        """The same step, or the same answer to the same cause, twice (P4)."""
        rang: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for pk, arrivals in self.came.items():
            rang[_occasion(self.e.messages[pk])] += [pk] * len(arrivals)
        for (cls, *_), ids in rang.items():
            for _ in ids[1:]:
                yield "doubled", cls, f"messages {sorted(set(ids))} rang {len(ids)} times for one occasion"

    def lost(self) -> Iterator[Fault]:
        """No end, no decision on record, or called sent and never seen outside (P5)."""
        for pk, message in self.e.messages.items():
            state, cls = message["state"], message["cls"]
            if state not in ENDS | DOUBTED:
                yield "lost", cls, f"message {pk} is still {state} ({message['reason']})"
            elif state in SENT and pk not in self.came:
                yield "lost", cls, f"message {pk} is {state}, and was never seen outside"
            if pk not in self.e.told:
                yield "lost", cls, f"message {pk} ended as {state} without a word on record"

    def unplanned(self) -> Iterator[Fault]:
        """Whoever was treated and agreed has every step of the protocol in her plan, by one channel or more (P5)."""
        planned: dict[int, set[str]] = defaultdict(set)
        for message in self.e.messages.values():
            planned[message["client_id"]].add(message["step"])
        for pk, person in self.e.people.items():
            purposes = {purpose for _, purpose in person["agrees"]}
            for step in sorted({code for code, purpose in self._steps if purpose in purposes} - planned[pk]):
                yield "lost", "course", f"client {pk} has no {step} in her plan"

    def untrue(self) -> Iterator[Fault]:
        """What the provider reported, and we thanked for, is what our record says; but for the time that was lost."""
        told: dict[str, set[str]] = defaultdict(set)
        for each in self.e.log:
            thanked = each["kind"] == "callback" and each["answer"]["status"] in (200, 204)
            if thanked and not self.e.is_lost(each["done"]):
                told[each["sid"]].add(each["params"]["MessageStatus"])
        for pk, arrivals in self.came.items():
            for arrival in arrivals:
                heard, state = told[arrival.sid], self.e.messages[pk]["state"]
                wanted = (
                    "delivered" if "delivered" in heard else "undelivered" if heard & {"undelivered", "failed"} else ""
                )
                if wanted and state != wanted and not self.e.is_lost(arrival.at):
                    yield "untrue", self.e.messages[pk]["cls"], f"message {pk} is {state}; reported {sorted(heard)}"

    def heard_stop(self) -> Iterator[Fault]:
        """By the outside alone: after our 200 for her STOP nothing of a course is begun (whatever our ledger says)."""
        said = {each["sid"]: each for each in self.e.log if each["kind"] == "inbound" and _is_stop(each["body"])}
        taken: dict[str, float] = {}
        for each in self.e.log:
            if each["kind"] == "inbound_hook" and each["sid"] in said and each["answer"]["status"] == 200:
                phone = said[each["sid"]]["phone"]
                taken[phone] = min(each["done"], taken.get(phone, float("inf")))
        for pk, arrivals in self.came.items():
            for arrival in arrivals:
                if self.e.messages[pk]["cls"] == "course" and arrival.at > taken.get(arrival.to, 1e18) + self._within:
                    yield "after stop", "course", f"message {pk} came {arrival.at - taken[arrival.to]:.1f} s after STOP"

    def repeated(self) -> Iterator[Fault]:
        """After a restore the same words to the same person as in the time that was lost (P4)."""
        rang = {(each.to, each.text) for each in self._gone}
        for each in self._later:
            if (each.to, each.text) in rang:
                yield "doubled", "course", f"attempt {each.attempt} says what had left in the lost time"

    def ended_in_the_lost_time(self) -> Iterator[Fault]:
        """Who said stop in the time that was lost, by whatever way, hears nothing more of a course (P2)."""
        silent: dict[str, str] = {}
        for act in self.e.acts:
            if act["kind"] in ENDS_A_COURSE and self.e.is_lost(act["began"]) and self.e.is_lost(act["ended"]):
                person = self.e.people[act["client"]]
                silent |= {person[way]: act["kind"] for way in ENDS_A_COURSE[act["kind"]] if person[way]}
        for each in self._later:
            if each.to in silent:
                yield "after stop", "course", f"attempt {each.attempt} left after a {silent[each.to]} of the lost time"


def _is_stop(body: str) -> bool:
    return body.strip().lower() in SAYS_STOP


def _occasion(message: dict[str, Any]) -> tuple[Any, ...]:
    """What a client would call the same message: not our own key for it."""
    if message["cls"] != "course" and message["kind"] != CONFIRMS:
        return message["cls"], message["occasion"]
    subject = (message["treatment_id"], message["appointment_id"], message["generation"])
    return message["cls"], message["client_id"], message["channel"], message["step"], *subject


def _hours() -> dict[str, list[list[tuple[time, time]]]]:
    """By channel and weekday, from the clinics' own file."""
    raw = tomllib.loads(Path(__file__).with_name("clinic.toml").read_text(encoding="utf-8"))["clinic"]["hours"]
    return {channel: [list(_day(week, day)) for day in range(7)] for channel, week in raw.items()}


def _steps() -> list[tuple[str, str]]:
    """Code and purpose of what follows a treatment, from the protocol's own file."""
    raw = tomllib.loads(PROTOCOL.read_text(encoding="utf-8"))
    after = (each for each in raw["step"] if each["anchor"] in {"treatment", "course"})
    return [(each["code"], each["purpose"]) for each in after]


def _day(week: dict[str, list[str]], day: int) -> Iterator[tuple[time, time]]:
    for name, periods in week.items():
        first, _, last = name.partition("-")
        if DAYS.index(first) <= day <= DAYS.index(last or first):
            for period in periods:
                opens, closes = period.split("-")
                yield time.fromisoformat(opens), time.fromisoformat(closes)
