"""What an operator pauses is what she named, and is told in the names that she would type (rule 144, P12)."""

from __future__ import annotations

import json
import os
import pwd
from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import NOW, PROTOCOL
from worker import clock
from worker.actions.send.circuit import open_circuit
from worker.management.cli import main, parser
from worker.management.verbs import pause as verb
from worker.models import Attempt, Event, Pause, Ready, Sender
from worker.models.attempt import AttemptState

DUE = NOW + timedelta(hours=1)
LAKESIDE_SMS = "+12125550100"


def _standing():
    return set(Pause.objects.filter(ended_at__isnull=True).values_list("scope", "value"))


@pytest.fixture
def sender(house):
    """The number that Lakeside texts from."""
    return Sender.objects.get(clinic=house.lakeside, channel="sms").identity


@pytest.mark.parametrize("act", [["pause", "--why", "two"], ["resume"]], ids=lambda act: act[0])
@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (["--clinic", "lakeside", "--channel", "sms"], "--clinic and --channel"),
        (["--drain", "--all"], "--all and --drain"),
        (["--channel", "sms", "--protocol", PROTOCOL], "--channel and --protocol"),
        (["--protocol", PROTOCOL, "--sender", "+12125550100", "--clinic", "lakeside"], "--protocol and --sender"),
        (["--all", "--clinic", "lakeside"], "--all and --clinic"),
    ],
)
def test_two_scopes_in_one_call_are_refused(house, capsys, act, scope, said):
    """Rule 144, P12: "the SMS of one clinic" stopped those of every clinic; nothing is done, and the mend is named."""
    assert main([*act, *scope]) == 1
    told = capsys.readouterr().err
    assert said in told
    assert "name one" in told
    assert not Pause.objects.exists()


@pytest.mark.parametrize("act", [["pause", "--why", "two"], ["resume"]], ids=lambda act: act[0])
def test_a_flag_given_twice_is_refused(house, capsys, act):
    """P12: of two channels the first was forgotten without a word."""
    with pytest.raises(SystemExit, match="2"):
        main([*act, "--channel", "sms", "--channel", "email"])
    assert "was given twice; name one, then the other in a call of its own" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([*act, "--clinic", ""])
    assert "is empty" in capsys.readouterr().err
    assert not Pause.objects.exists()


def test_a_clinic_narrows_a_protocol_and_a_sender(house, sender, capsys):
    """Rule 144: `--clinic` beside these two says whose it is, as their refusal asks for it."""
    assert main(["pause", "--protocol", PROTOCOL, "--why", "x"]) == 1
    assert "belongs to several clinics; name it, and its --clinic" in capsys.readouterr().err
    assert main(["pause", "--protocol", PROTOCOL, "--clinic", "lakeside", "--why", "x"]) == 0
    assert main(["pause", "--sender", sender, "--clinic", "hillside", "--why", "x"]) == 1
    assert main(["pause", "--sender", sender, "--clinic", "lakeside", "--why", "x"]) == 0
    assert {scope for scope, _ in _standing()} == {"protocol", "sender"}


def test_what_status_prints_is_what_resume_takes(house, sender, capsys):
    """P12: a clinic's slug, a protocol's code, a sender's identity; `clinic 1` was "not known here"."""
    named = (["--clinic", "lakeside"], ["--protocol", PROTOCOL, "--clinic", "hillside"], ["--sender", sender])
    for scope in named:
        assert main(["pause", *scope, "--why", "the texts are wrong"]) == 0
    said = capsys.readouterr().out
    assert "paused: clinic lakeside" in said
    assert f"paused: protocol {PROTOCOL} of hillside" in said
    assert f"paused: sender {sender} of lakeside" in said
    assert main(["status"]) == 0
    said = capsys.readouterr().out
    for line in ("clinic lakeside", f"protocol {PROTOCOL} of hillside", f"sender {sender} of lakeside"):
        assert f"!paused: {line} by " in said
    assert main(["status", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["paused"]
    told = [(each["scope"], each["name"], each["clinic"]) for each in rows]
    assert told[0] == ("clinic", "lakeside", "lakeside")
    assert told[1:] == [("protocol", PROTOCOL, "hillside"), ("sender", sender, "lakeside")]
    assert [each["value"] for each in rows] == [value for _, value in sorted(_standing())]
    assert main(["pause", "--clinic", "lakeside", "--why", "again"]) == 1
    assert "clinic lakeside is paused already" in capsys.readouterr().err
    for scope in named:
        assert main(["resume", *scope]) == 0
    assert "resumed: clinic lakeside; 0 message(s)" in capsys.readouterr().out
    assert main(["resume", *named[1]]) == 1
    assert f"protocol {PROTOCOL} of hillside is not paused" in capsys.readouterr().err
    assert _standing() == set()


def test_a_circuit_is_ended_by_the_name_that_status_gives(house, sender, capsys):
    """Rule 87, P12: the sender that the provider refuses is named by its number, not by a row's id."""
    open_circuit(clinic_id=house.lakeside.pk, channel="sms", code="20003", now=NOW)
    assert main(["status"]) == 0
    assert f"!paused: sender {sender} of lakeside by circuit" in capsys.readouterr().out
    assert main(["resume", "--sender", sender]) == 0


@pytest.mark.parametrize("why", ["", "  ", "\t\n", "\u00a0", "\u200b"])
@pytest.mark.parametrize("act", [["pause", "--all"], ["resume", "--all"]], ids=lambda act: act[0])
def test_a_pause_without_a_reason_is_refused(house, capsys, act, why):
    """Rule 144, P8, P12: whoever finds the silence in the morning must find its reason beside it."""
    with pytest.raises(SystemExit, match="2"):
        main([*act, "--why", why])
    assert "argument --why: is empty; say why in a few words" in capsys.readouterr().err
    assert not Pause.objects.exists()


@pytest.mark.parametrize("why", ["wrong\nhour", "wrong\x1b[2Khour", "wrong\rhour", "wrong\u2028hour", "\u202eruoh"])
@pytest.mark.parametrize("act", [["pause", "--all"], ["resume", "--all"]], ids=lambda act: act[0])
def test_a_reason_is_one_line(house, capsys, act, why):
    """P12: a line of `status` was broken in two by it, and a terminal obeyed it."""
    with pytest.raises(SystemExit, match="2"):
        main([*act, "--why", why])
    assert "type it again without hidden characters" in capsys.readouterr().err
    assert not Pause.objects.exists()


@pytest.mark.parametrize("act", [["pause", "--all", "--why", "x"], ["resume", "--all"]], ids=lambda act: act[0])
@pytest.mark.parametrize("by", ["", " "])
def test_nobody_pauses_nothing(house, capsys, act, by):
    """P8, rule 144: `--by ""` was kept, and nobody knew whom to ask."""
    with pytest.raises(SystemExit, match="2"):
        main([*act, "--by", by])
    assert "argument --by: is empty; give your own name or email" in capsys.readouterr().err
    assert not Pause.objects.exists()


def test_who_and_why_are_kept_of_a_pause_and_of_its_end(house):
    """P8, rule 144: both on the pause's own row, who in every clinic's chain; the system's user if nobody is named."""
    user = f"command:{pwd.getpwuid(os.getuid()).pw_name}"
    assert main(["pause", "--clinic", "lakeside", "--why", "wrong hour"]) == 0
    assert main(["resume", "--clinic", "lakeside", "--why", "mended", "--by", "Sam"]) == 0
    (row,) = Pause.objects.all()
    assert (row.by, row.why, row.ended_by, row.ended_why) == (user, "wrong hour", "Sam", "mended")
    told = Event.objects.filter(clinic_id=house.lakeside.pk, kind__in=("paused", "resumed")).order_by("pk")
    assert [(each.kind, each.actor) for each in told] == [("paused", user), ("resumed", "Sam")]
    assert "wrong" not in json.dumps([each.facts for each in told])  # P9: the record holds ids and codes


def test_who_has_no_user_name_is_the_command(monkeypatch):
    """P8: a container may run under a number that nobody gave a name."""

    def nobody(_uid):
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    options = parser().parse_args(["pause", "--all", "--why", "x"])
    assert options.by == "command"


@pytest.fixture
def in_flight(house):
    """Alice's first text, committed as sending: its worker waits for the provider."""
    builders.alice(consents=builders.SERVICE[:2])
    post.confirmed(NOW)
    batch = post.prepare(post.claimed(DUE, machine=clock.machine()), now=DUE)
    (sending,) = post.decided(batch, DUE, machine=clock.machine())
    return Attempt.objects.get(pk=sending.attempt_id)


def _ends(monkeypatch, attempt, after):
    """The provider's answer comes at the nth look; a look takes no time."""
    looks, passed = [], [0.0]

    def sleep(seconds):
        passed[0] += seconds
        looks.append(seconds)
        if len(looks) == after:
            Attempt.objects.filter(pk=attempt.pk).update(state=AttemptState.ACCEPTED)

    monkeypatch.setattr(verb.time, "sleep", sleep)
    monkeypatch.setattr(verb.time, "monotonic", lambda: passed[0])


def test_a_drain_waits_until_nothing_is_in_flight(in_flight, monkeypatch, capsys):
    """P4, P11: a deploy that stops workers after the drain interrupts no call."""
    _ends(monkeypatch, in_flight, after=3)
    assert main(["pause", "--drain", "--why", "deploy", "--wait", "60"]) == 0
    said = capsys.readouterr().out
    assert "paused: drain" in said
    assert "in flight: 1" in said
    assert said.endswith("nothing is in flight\n")


def test_a_drain_that_takes_too_long_says_how_many(in_flight, monkeypatch, capsys):
    """P12: exit 1 with the number; said again, it goes on waiting, for the drain stands."""
    _ends(monkeypatch, in_flight, after=1000)
    assert main(["pause", "--drain", "--why", "deploy", "--wait", "5"]) == 1
    assert "1 still in flight after 5 s; the pause stands" in capsys.readouterr().err
    assert _standing() == {("drain", "")}
    _ends(monkeypatch, in_flight, after=2)
    assert main(["pause", "--drain", "--why", "deploy", "--wait", "60"]) == 0
    assert "drain is paused already: waiting" in capsys.readouterr().out


def test_what_a_worker_holds_is_in_flight_too(in_flight, monkeypatch, capsys):
    """P11: a batch that was claimed before the drain is decided and called after it."""
    Attempt.objects.all().update(state=AttemptState.ACCEPTED)
    held = Ready.objects.create(
        message=in_flight.message, clinic_id=in_flight.clinic_id, channel="sms", due_at=DUE, worker="w1", lease=1,
        free_at=clock.machine() + timedelta(hours=1),
    )  # fmt: skip
    _ends(monkeypatch, in_flight, after=1000)
    assert main(["pause", "--drain", "--why", "deploy", "--wait", "5"]) == 1
    Ready.objects.filter(pk=held.pk).update(worker="")  # put off for its limit: nobody holds it
    assert main(["pause", "--drain", "--why", "deploy", "--wait", "5"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_wait_is_a_number_of_seconds(house, capsys, seconds):
    """P12: anything else is a usage error, and pauses nothing."""
    with pytest.raises(SystemExit, match="2"):
        main(["pause", "--drain", "--why", "x", "--wait", seconds])
    assert "is no number of seconds" in capsys.readouterr().err
    assert not Pause.objects.exists()


def test_only_what_stops_everybody_can_be_waited_for(house, capsys):
    """P12: the calls of other clinics go on, so that a wait for one clinic's might never end."""
    assert main(["pause", "--clinic", "lakeside", "--why", "x", "--wait", "5"]) == 1
    assert "use it with --drain or --all" in capsys.readouterr().err
    assert not Pause.objects.exists()


@pytest.mark.parametrize("seconds", ["0", "-1", "0.49", "nan", "inf"])
def test_status_does_not_ask_without_a_break(capsys, seconds):
    """P11, P12: `--watch 0` asked the database as fast as it could."""
    with pytest.raises(SystemExit, match="2"):
        main(["status", "--watch", seconds])
    assert "argument --watch: " in capsys.readouterr().err
