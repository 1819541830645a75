"""The command's manners: 0 done, 1 refused with a line for each fault and its mend, 2 usage; no traceback (P12)."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from config.keys import fresh_key
from tests.processes import people
from tests.processes.commands import run, settings
from tests.processes.houses import Desk, settled_home
from tests.processes.people import DEMO, OKAFOR, PROTOCOL, SAM
from worker.management.verbs import VERBS

pytestmark = pytest.mark.processes

LARGE = 257 * 1024
NAMES = [name.rstrip("_").replace("_", "-") for name in VERBS]  # `import_.py`: the word itself is taken


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    """A settled home whose second clinic, Hillside, has no approved protocol."""
    return settings(AFTERCARE_HOME=str(settled_home(tmp_path_factory.mktemp("cli") / "home")))


@pytest.fixture(scope="module")
def desk(env, tmp_path_factory):
    """A desk over that home, with Alice enrolled."""
    folder = tmp_path_factory.mktemp("desk")
    opened = Desk(env, folder / "log")
    opened.cli("load", DEMO / "hillside.toml")
    (folder / "alice.json").write_text(json.dumps(form(1)), encoding="utf-8")
    opened.cli("enrol", folder / "alice.json")
    yield opened
    opened.close()


def form(number=2, **changes):
    """A form that would be taken as it is."""
    return people.form(datetime.now(UTC), number=number, treated=timedelta(hours=30), **changes)


def treated(**changes):
    """The same with another treatment."""
    raw = form()
    return raw | {"treatment": raw["treatment"] | changes}


def consented(**changes):
    """The same with another first consent; None takes a field out."""
    raw = form()
    first = {name: value for name, value in (raw["consents"][0] | changes).items() if value is not None}
    return raw | {"consents": [first]}


def refused(desk, *arguments):
    """The lines of a refusal, each with field, problem and mend: exit 1, no output, nothing changed."""
    before = desk.ask("counts"), desk.cli("messages", "--json").out
    said = desk.cli(*arguments, code=1)
    assert (desk.ask("counts"), desk.cli("messages", "--json").out) == before
    assert said.out == ""
    lines = said.err.splitlines()
    for line in lines:
        field, _, rest = line.partition(": ")
        problem, _, mend = rest.partition("; ")
        assert field, line
        assert problem, line
        assert mend, line
    return lines


BAD = {
    "an unknown field": (lambda: form(nickname="Ali"), ["nickname"]),
    "no consents at all": (lambda: form(consents=None), ["consents"]),
    "a consent that was not affirmed either way": (lambda: consented(affirmed=None), ["consents.0.affirmed"]),
    "a wrong phone": (lambda: form(phone="212 555"), ["phone"]),
    "a wrong mailbox": (lambda: form(email="a@example.com, b@example.com"), ["email"]),
    "an impossible date": (
        lambda: treated(performed_at="2026-02-30T10:00:00-05:00"),
        ["treatment.performed_at"],
    ),
    "a date without an offset": (lambda: treated(performed_at="2026-11-20T10:00:00"), ["treatment.performed_at"]),
    "an unknown zone": (lambda: form(zone="America/Gotham"), ["zone"]),
    "an unknown protocol": (lambda: treated(protocol="laser"), ["treatment.protocol"]),
    "a protocol that nobody approved": (
        lambda: form(clinic="hillside", enrolled_by="lucia@hillside.example"),
        ["treatment.protocol"],
    ),
    "an unknown clinic": (lambda: form(clinic="riverside"), ["clinic"]),
    "a stranger at the desk": (lambda: form(enrolled_by="charlie@hillside.example"), ["enrolled_by"]),
    "a control character in the name": (lambda: form(name="Alice\x07"), ["name"]),
    "a bidi override in the name": (lambda: form(name="Alice \u202eecila"), ["name"]),
    "another person under Alice's number": (lambda: form(1, name="Someone Else"), ["external_id"]),
    "four faults at once": (
        lambda: consented(wording="service@9") | {"zone": "Mars", "phone": "0", "name": "a\u200eb"},
        ["zone", "name", "phone", "consents.0.wording"],
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_faulty_form_changes_nothing(desk, tmp_path, fault):
    """Every fault of the form is named in its own line, all at once, and no table changes (P12)."""
    make, fields = BAD[fault]
    file = tmp_path / "client.json"
    file.write_text(json.dumps(make()), encoding="utf-8")
    assert [line.partition(":")[0] for line in refused(desk, "enrol", file)] == fields


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"clinic": "lakeside",', "is not JSON"),
        (b'{"clinic": "lakeside", "clinic": "hillside"}', "stands twice"),
        (b"[" * 100_000, "not usable JSON"),
        (b'{"name": "' + b"x" * LARGE + b'"}', "larger than 256 kB"),
        (b'{"name": "\xff"}', "not UTF-8"),
        (b"[]", ""),
    ],
)
def test_a_file_that_is_no_form_changes_nothing(desk, tmp_path, content, says):
    """Broken, repeated, deep, oversize or undecodable: one line that says what to do with the file (P12)."""
    file = tmp_path / "client.json"
    file.write_bytes(content)
    (line,) = refused(desk, "enrol", file)
    assert says in line


def test_the_same_form_again_is_no_change_and_says_so(desk, tmp_path):
    """A desk that presses twice enrols once (P4, P12)."""
    file = tmp_path / "twice.json"
    file.write_text(json.dumps(form(3)), encoding="utf-8")
    first = desk.cli("enrol", file, "--json").data
    before = desk.ask("counts")
    again = desk.cli("enrol", file)
    assert "no change" in again.out
    assert desk.ask("counts") == before
    assert desk.cli("enrol", file, "--json").data["client"] == first["client"]


@pytest.fixture
def clinic(tmp_path):
    """A clinic's folder with a protocol of its own, to be spoiled."""
    shutil.copytree(DEMO, tmp_path / "clinic")
    shutil.copytree(DEMO.parent / "messages" / PROTOCOL, tmp_path / "clinic" / PROTOCOL)
    return tmp_path / "clinic"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{{ clinic_name }}", "{{ clinic_nmae }}"),  # an undefined variable
        ("{{ clinic_name }}", "{{ clinic_name.__class__.__mro__ }}"),  # an unsafe expression
        ("{{ clinic_name }}", "{% for i in range(9**9) %}x{% endfor %}"),
        ("{{ clinic_name }}", "{{ clinic_name"),
    ],
)
def test_a_broken_text_never_becomes_a_draft(desk, clinic, old, new):
    """An undefined variable, an unsafe expression, a broken template: refused before anything is stored (P3, P12)."""
    text = clinic / PROTOCOL / "same-day.en.sms.txt"
    assert old in text.read_text(encoding="utf-8")
    text.write_text(text.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    lines = refused(desk, "load", clinic / "lakeside.toml")
    assert any("same-day" in line for line in lines), lines


def test_a_missing_text_and_a_broken_file_are_refused(desk, clinic):
    """A step without its words, and TOML that is none (P12)."""
    (clinic / PROTOCOL / "day-1.es.sms.txt").unlink()
    assert any("day-1" in line for line in refused(desk, "load", clinic / "lakeside.toml"))
    (clinic / PROTOCOL / "protocol.toml").write_text("code = ", encoding="utf-8")
    assert refused(desk, "load", clinic / "lakeside.toml")
    (clinic / "lakeside.toml").write_text("[clinic", encoding="utf-8")
    assert refused(desk, "load", clinic / "lakeside.toml")


@pytest.mark.parametrize("by", [SAM, "vega@hillside.example", "nobody@lakeside.example"])
def test_only_a_practitioner_of_the_clinic_approves_and_withdraws(desk, by):
    """The desk, another clinic's practitioner and strangers approve nothing (P3, P10)."""
    assert refused(desk, "approve", PROTOCOL, "--clinic", "lakeside", "--by", by)
    assert refused(desk, "withdraw", PROTOCOL, "--clinic", "lakeside", "--by", by)


@pytest.mark.parametrize("verb", ["approve", "withdraw"])
def test_nobody_approves_nothing(desk, verb):
    """P3, P12: a name that is empty is a usage error, before the database is asked."""
    before = desk.ask("counts")
    assert "--by: is empty" in desk.cli(verb, PROTOCOL, "--clinic", "lakeside", "--by", "", code=2).err
    assert desk.ask("counts") == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "999999"), ("explain", str(2**63 - 1)), ("appointment", "cancel", "999999"), ("rehearse", "999999"),
        ("rehearse", "laser"), ("rehearse", PROTOCOL, "--zone", "../etc/passwd"),
        ("rehearse", PROTOCOL, "--treated-at", "9999-12-31T00:00:00+00:00"),
        ("rehearse", PROTOCOL, "--treated-at", "0001-01-01T00:00:00+14:00"),
        ("revoke", "--phone", "1", "--reason", "letter", "--clinic", "lakeside"),
        ("revoke", "--client", "999999", "--reason", "letter"),
        ("revoke", "--email", "x@example.com", "--reason", "letter"),  # two clinics: which one?
        ("pause", "--why", "no scope"), ("pause", "--clinic", "riverside", "--why", "unknown"), ("resume", "--all"),
        ("enrol", "nowhere.json"), ("enrol", str(DEMO)), ("load", "nowhere.toml"), ("approve", "laser", "--by", OKAFOR),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said(desk, arguments):
    """Unknown ids, names, files and scopes: exit 1 with the mend, nothing changed (P12)."""
    assert len(refused(desk, *arguments)) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("sing",), ("enrol",), ("explain", "x"), ("explain", "-1"), ("messages", "--client", "9" * 30),
        ("messages", "--state", "lost"), ("appointment", "lose", "1"), ("appointment", "move", "1", "--to", "soon"),
        ("revoke", "--reason", "whose?"), ("pause", "--all", "--why", "x" * 201), ("approve", PROTOCOL),
    ],
)  # fmt: skip
def test_wrong_usage_is_exit_2(desk, arguments):
    """What can't even be read as a command is usage, with the usage shown (P12)."""
    said = desk.cli(*arguments, code=2)
    assert "usage: aftercare" in said.err


def test_a_stop_is_never_lost_to_its_spelling(desk):
    """Bytes of a reason that are no text don't keep a revocation out (P2, P12)."""
    said = desk.cli("revoke", "--email", "gone@example.com", "--reason", "caf\udce9", "--clinic", "lakeside")
    assert said.out.startswith("stopped: 1")


def test_every_verb_helps(desk):
    """`--help` of each verb says what it does, and exits 0."""
    assert "--json" in desk.cli("messages", "--help").out
    for verb in NAMES:
        assert f"usage: aftercare {verb}" in desk.cli(verb, "--help").out


def test_the_process_itself_ends_as_promised(env, tmp_path):
    """The same as real processes: help 0, refusal 1, usage 2, and nothing on the other stream (P12)."""
    told = run("--help", env=env)
    assert (told.returncode, told.stderr) == (0, "")
    assert set(NAMES) <= set(told.stdout.split())
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    broken = run("enrol", tmp_path / "broken.json", env=env)
    assert (broken.returncode, broken.stdout, len(broken.stderr.splitlines())) == (1, "", 1)
    assert run("enrol", env=env).returncode == 2


OWN = {name: fresh_key() for name in ("SECRET_KEY", "FIELD_KEYS", "FINGERPRINT_KEYS")}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({}, "aftercare migrate"),
        ({"DATABASE_URL": "mysql://root@localhost/x", **OWN}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://a:secret@127.0.0.1:1/x", **OWN}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://a:b@127.0.0.1:1/x"}, "FIELD_KEYS"),
        ({"SMS_CHANNEL": "pigeon"}, "SMS_CHANNEL"),
        ({"SMS_CHANNEL": "twilio", "CALENDAR_FILE": "now", "PUBLIC_URL": "https://care.example"}, "CALENDAR_FILE"),
        ({"SMS_CHANNEL": "twilio"}, "PUBLIC_URL"),
        ({"LEASE_SECONDS": "soon"}, "LEASE_SECONDS"),
        ({"FIELD_KEYS": "short"}, "FIELD_KEYS"),
    ],
    ids=["no tables", "another database", "database away", "no keys", "channel", "stepped", "public", "number", "key"],
)
def test_a_wrong_setting_is_named_with_its_mend(tmp_path, wrong, says):
    """A setting that can't be right ends every verb with one line, which shows no secret (P9, P12)."""
    done = run("messages", env=settings(AFTERCARE_HOME=str(tmp_path), **wrong))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr
    assert "secret" not in done.stderr
