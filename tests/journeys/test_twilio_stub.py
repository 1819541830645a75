"""From `aftercare enrol` to the provider's door: exactly the planned POSTs, at any server that speaks like Twilio's.

The real clock: clients live where it is about midday, so that every hour of the machine finds the hours open.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.journeys.stub import ACCOUNT, TOKEN, Stub, login
from tests.processes import people
from tests.processes.commands import COMMAND, settings
from tests.processes.houses import Desk, settled_home
from tests.processes.people import DEMO, SMS
from tests.processes.witness import until
from worker.sandbox.parts import Part, Supervisor
from worker.sandbox.redis_server import PrivateRedis

pytestmark = pytest.mark.processes

SENDER, SERVICE = "+12125550100", "MG" + "5" * 32
PUBLIC = "https://care.lakeside.example"
CALLBACK = re.compile(re.escape(f"{PUBLIC}/hooks/twilio/status?d=") + "[0-9a-f]{32}")
FIELDS = {"To", "Body", "StatusCallback", "ValidityPeriod"}
ZONES = (
    "Pacific/Auckland", "Australia/Brisbane", "Asia/Tokyo", "Asia/Shanghai", "Asia/Dhaka", "Asia/Karachi", "Asia/Dubai",
    "Africa/Nairobi", "Africa/Johannesburg", "Africa/Lagos", "Africa/Accra", "Atlantic/Azores", "America/Noronha",
    "America/Sao_Paulo", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "Pacific/Honolulu", "Pacific/Pago_Pago",
)  # fmt: skip


def daytime() -> str:
    """A place where it is between one and five in the afternoon."""
    now = datetime.now(UTC)
    return min(ZONES, key=lambda name: abs(now.astimezone(ZoneInfo(name)).hour * 60 + now.minute - 15 * 60))


class Clinic:
    """Lakeside in production: its worker and beat, no web, no sandbox, and the stub in Twilio's place."""

    def __init__(self, folder, stub):
        self.stub = stub
        self.redis = PrivateRedis(folder / "redis")
        self.home = settled_home(folder / "home")
        self.env = settings(
            AFTERCARE_HOME=str(self.home), REDIS_URL=self.redis.broker_url, TICK_MILLISECONDS="200", PUBLIC_URL=PUBLIC,
            SMS_CHANNEL="twilio", TWILIO_API_URL=stub.url, TWILIO_ACCOUNT_SID=ACCOUNT, TWILIO_AUTH_TOKEN=TOKEN,
            LOG_LEVELS="celery.app.trace=INFO",  # a line for each round
        )  # fmt: skip
        parts = [
            Part(name="redis", argv=self.redis.argv, ready=self.redis.answers),
            *(Part(name=name, argv=(*COMMAND, name), env=self.env) for name in ("worker", "beat")),
        ]
        self.supervisor = Supervisor(parts, log_dir=self.home / "log")
        self.desk = Desk(self.env, self.home / "desk.log")

    def enrol(self, number, **changes):
        """Enrol by the command; what it printed."""
        file = self.home / "form.json"
        # The same-day text is due two hours after the treatment: in a few seconds, when the opt-in is through.
        treated = timedelta(hours=2) - timedelta(seconds=6)
        form = people.form(datetime.now(UTC), number=number, **{"treated": treated, "zone": daytime(), **changes})
        file.write_text(json.dumps(form), encoding="utf-8")
        return form["phone"], self.desk.cli("enrol", file, "--json").data

    def rounds(self):
        """How often the worker has looked for texts to send."""
        return (self.home / "log" / "worker.log").read_text(encoding="utf-8").count("Task aftercare.send_sms")

    def idle(self):
        """Wait for several rounds more, and see what is still due."""
        seen = self.rounds()
        until(lambda: self.rounds() > seen + 8)
        return self.desk.cli("status", "--json").data


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    """The clinic, at work."""
    with Stub() as stub:
        opened = Clinic(tmp_path_factory.mktemp("clinic"), stub)
        with opened.supervisor:
            yield opened
        opened.desk.close()
        opened.redis.close()


def due_now(said):
    """The steps of a plan that are due within a minute, in their order."""
    soon = datetime.now(UTC) + timedelta(minutes=1)
    return [row["step"] for row in said["messages"] if datetime.fromisoformat(row["due_at"]) < soon]


def sent(clinic, phone):
    """The posts to one phone."""
    return [post for post in clinic.stub.posts if post.fields["To"] == phone]


def test_enrolment_becomes_exactly_the_planned_posts(clinic):
    """The opt-in first, then what is due, with the account's login and these fields alone (P1, P3, P4, rules 6 and 49);
    nothing for a client who said no; and another sender is used from the moment it is loaded.
    """
    before = len(clinic.stub.posts)
    booked, _ = clinic.enrol(300, treated=None, session=timedelta(days=30))
    until(lambda: len(sent(clinic, booked)) == 1)
    phone, said = clinic.enrol(301)
    assert due_now(said) == ["optin-confirmation", "same-day"]
    until(lambda: len(sent(clinic, phone)) == 2)
    silent, told = clinic.enrol(302, agrees=(), refuses=SMS)
    assert told["messages"] == []

    file = clinic.home / "lakeside.toml"
    file.write_text((DEMO / "lakeside.toml").read_text(encoding="utf-8").replace(f'"{SENDER}"', f'"{SERVICE}"'))
    clinic.desk.cli("load", file)
    other, _ = clinic.enrol(303)
    until(lambda: len(sent(clinic, other)) == 2)

    status = clinic.idle()
    assert (status["channels"]["sms"]["due_now"], status["in_flight"], status["unknown"]) == (0, 0, 0)
    posts = clinic.stub.posts[before:]
    assert [post.fields["To"] for post in posts] == [booked, phone, phone, other, other]
    assert sent(clinic, silent) == []
    for post in posts:
        assert post.path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        assert post.login == login()
        assert post.kind.startswith("application/x-www-form-urlencoded")
        who = {"MessagingServiceSid": SERVICE} if post.fields["To"] == other else {"From": SENDER}
        assert post.fields.items() >= who.items()
        assert set(post.fields) == FIELDS | set(who)
        assert CALLBACK.fullmatch(post.fields["StatusCallback"])
        assert 1 <= int(post.fields["ValidityPeriod"]) <= 36_000
        assert "Lakeside Skin Clinic" in post.fields["Body"]
        assert "STOP" in post.fields["Body"]
    for pair in (sent(clinic, phone), sent(clinic, other)):
        assert ["signed up" in post.fields["Body"] for post in pair] == [True, False]
    assert len({post.fields["StatusCallback"] for post in posts}) == 5


def test_what_is_not_due_is_not_sent(clinic):
    """Where it is night the opt-in goes, and the advice waits for the morning of the client's own clock (P6)."""
    now = datetime.now(UTC)
    night = min(ZONES, key=lambda name: abs((now.astimezone(ZoneInfo(name)).hour - 2) % 24))
    phone, said = clinic.enrol(304, zone=night)
    (same_day,) = [row for row in said["messages"] if row["step"] == "same-day"]
    until(lambda: len(sent(clinic, phone)) == 1)  # an answer to her own act: the hour does not matter (rule 55)
    clinic.idle()
    assert ["signed up" in post.fields["Body"] for post in sent(clinic, phone)] == [True]
    assert datetime.fromisoformat(same_day["due_at"]) > now + timedelta(hours=3)
    assert same_day["local"][11:16] in {"09:00", "12:00"}  # from noon on Sundays
    assert all(9 <= int(row["local"][11:13]) < 20 for row in said["messages"] if row["class"] == "course")
