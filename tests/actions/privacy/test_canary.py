"""Her name, number, mailbox and words lie nowhere but sealed; and after erasure not even that (P9, rules 42, 60-62)."""

from __future__ import annotations

import contextlib
import json
import logging
import traceback
from datetime import timedelta

import pytest
import structlog
from django.test import Client as Browser

from config import logging as log_setup
from tests.actions.post import Provider
from tests.actions.privacy.life import binary_values, models, plain_values
from tests.builders import NOW, OKAFOR, SAM, client_file
from tests.web.provider import Provider as Hooks
from worker import clock
from worker.actions.clients.enrol import enrol
from worker.actions.consent.desk_revoke import from_desk
from worker.actions.privacy.erase import erase
from worker.actions.privacy.export import export
from worker.actions.privacy.retain import retain
from worker.actions.privacy.rotate import rotate
from worker.actions.send.shift import shift
from worker.actions.send.tend import tend
from worker.channels.base import Unknown
from worker.intake.client import ClientFile
from worker.intake.shape import checked
from worker.models import Attempt, Client, Event, Inbound, Receipt, StaffTask
from worker.reading.chain import faults
from worker.rules.names import Channel
from worker.rules.refusal import Refusal, Refusals

NAME, PHONE, MAIL = "Quenelda Zwetschgenbaum", "+12125550142", "quenelda.canary@example.com"
FILE_NUMBER, VISIT, HOLDER = "CANARY-4711", "CANARY-VISIT-1", "Xanthippe Kanarienvogel"
WORDS = "zinnoberroter Ausschlag"
CANARIES = (
    "Quenelda", "quenelda", "Zwetschgenbaum", "zwetschgenbaum", "5550142", "555-0142", "quenelda.canary",
    "zinnoberrot", "Xanthippe", "xanthippe",
)  # fmt: skip
NUMBERS = ("CANARY-4711", "CANARY-VISIT-1", "CANARY-T-1")  # the clinic's own: plain while she is a client


def found_in(text: str, canaries=CANARIES):
    return [canary for canary in canaries if canary in text]


@pytest.fixture
def heard(capfd, caplog, settings, tmp_path):
    """Everything that any logger says at DEBUG, by our own handler on standard error and by a second one beside it."""
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(NOW)
    root = logging.getLogger()
    before = (root.level, list(root.handlers), structlog.get_config())
    log_setup.configure(level="DEBUG", style="json")
    root.addHandler(caplog.handler)
    yield lambda: "".join(capfd.readouterr()) + caplog.text
    root.setLevel(before[0])
    root.handlers = before[1]
    structlog.configure(**before[2])


@pytest.fixture
def errors():
    """Collects the whole story of every exception on purpose: text, arguments and traceback."""
    told: list[str] = []

    @contextlib.contextmanager
    def caught(*kinds):
        with pytest.raises(kinds) as info:
            yield
        told.append("".join(traceback.format_exception_only(info.value)) + repr(info.value) + str(info.value.args))

    caught.told = told
    return caught


def enrolled(now):
    raw = client_file(
        name=NAME, phone="(212) 555-0142", email=MAIL, external_id=FILE_NUMBER, visit=NOW + timedelta(days=30),
        holder={"name": HOLDER, "relationship": "mother"},
    )  # fmt: skip
    raw["appointment"]["external_id"] = VISIT
    raw["treatment"]["external_id"] = "CANARY-T-1"
    return raw, enrol(checked(ClientFile, raw), now=now).client


def sent(provider):
    tend()
    for channel in (Channel.SMS, Channel.EMAIL):
        shift(channel=channel, carrier=provider, slots=4)


def whole_journey(browser, settings, errors):
    """Enrol, decide, send, receipt, replies, STOP, and every refusal on the way that has her data in its hands."""
    raw, client = enrolled(clock.now())
    provider = Provider()
    sent(provider)
    clock.step_to(NOW + timedelta(days=1, hours=2))
    provider.answers = [Unknown("ReadTimeout")]
    sent(provider)
    hooks = Hooks(browser, account_sid=settings.TWILIO_ACCOUNT_SID, token=settings.TWILIO_AUTH_TOKEN)
    for attempt in Attempt.objects.filter(channel="sms"):
        sid = attempt.provider_id or "SM" + "e" * 32
        assert hooks.receipt(attempt.pk.hex, sid, "delivered", To=PHONE).status_code == 204
    assert hooks.text(PHONE, WORDS).status_code == 200
    assert hooks.text(PHONE, f"STOP {NAME} {WORDS}", OptOutType="STOP").status_code == 200
    forged = hooks.raw("/hooks/twilio/inbound", f"From={PHONE}&Body={WORDS}", X_Twilio_Signature="forged")
    assert forged.status_code == 403
    sent(provider)
    again = raw | {"external_id": "CANARY-4712"}
    again.pop("appointment")
    with errors(Refusal, Refusals):
        enrol(checked(ClientFile, again), now=clock.now())
    with errors(Refusal, Refusals):
        checked(ClientFile, raw | {"phone": PHONE + "\x00", "unknown": NAME, "email": [MAIL]})
    with errors(Refusal, Refusals):
        enrol(checked(ClientFile, raw | {"phone": PHONE + "9999", "email": MAIL + " " + MAIL}), now=clock.now())
    with errors(Refusal, Refusals):
        said = {"clinic_slug": "lakeside", "email": f"{MAIL}, {MAIL}", "phone": "", "client_id": None}
        from_desk(**said, reason=NAME, received_at=None, now=clock.now())
    with errors(Refusal, Refusals):
        erase(client_id=client.pk, by=MAIL, now=clock.now())
    return client, provider


def test_no_canary_sings_until_or_after_she_is_erased(house, heard, errors, settings, keys):
    """The whole road at DEBUG: no log, exception, event, task or readable column holds a word of hers (rule 60)."""
    client, provider = whole_journey(Browser(enforce_csrf_checks=True), settings, errors)
    assert len(provider.taken) >= 4
    assert {out.to for out in provider.taken} == {PHONE, MAIL}, "the canaries did leave the house, as they should"
    assert Inbound.objects.count() == 2
    assert Receipt.objects.exists()
    assert Event.objects.filter(kind="revoked").exists()
    assert StaffTask.objects.exists()
    keys(field="nf", prints="qp")
    rotate(now=clock.now(), tell=print)
    assert NAME in json.dumps(export(client_id=client.pk, by=SAM, now=clock.now()))

    assert [(where, found_in(said)) for where, said in plain_values() if found_in(said)] == []
    for canary in CANARIES:
        assert [where for where, said in binary_values() if canary.encode() in said] == []
    manifest = erase(client_id=client.pk, by=OKAFOR, now=clock.now())
    retain(now=clock.now())
    tend()

    every = (*CANARIES, *NUMBERS)
    assert [(where, found_in(said, every)) for where, said in plain_values() if found_in(said, every)] == []
    assert found_in(json.dumps(manifest.as_json()) + "".join(manifest.lines()), every) == []
    assert sealed_values_left() == []
    assert faults() == []
    said = heard()
    assert "inbound" in said, "the log was listened to"
    assert "webhook_refused" in said
    assert found_in(said, every) == []
    assert len(errors.told) == 5
    assert found_in("".join(errors.told), every) == []


def sealed_values_left():
    """What of the installation's only client could still be opened: senders' credentials are the clinic's own."""
    own = {"ClientSearch.digest", "Standing.fingerprint"}
    return [where for where, _ in binary_values() if where not in own or where == "ClientSearch.digest"]


def test_the_canaries_would_be_found(house):
    """The search itself is tried: a name in a readable column, in an event, or unsealed in a binary one, is found."""
    Event.objects.create(clinic_id=1, kind="x", subject="x", actor="x", at=NOW, facts={"deep": [{"er": NAME}]})
    _, client = enrolled(NOW)
    Client.objects.filter(pk=client.pk).update(zone=MAIL, name_sealed=NAME.encode())
    where = {where for where, said in plain_values() if found_in(said)}
    assert where == {"Event.facts", "Client.zone"}
    assert {where for where, said in binary_values() if b"Quenelda" in said} == {"Client.name_sealed"}
    assert {model.__name__ for model in models()} >= {"Message", "Evidence", "Session", "Staff"}
