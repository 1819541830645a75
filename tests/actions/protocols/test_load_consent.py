"""What a clinic's file says about consent: when it asks, how long it waits, and words that say all (rules 5, 7, 9)."""

from __future__ import annotations

import pytest

from tests import builders
from worker.intake.clinic import ClinicFile
from worker.intake.shape import checked
from worker.models import Clinic, Wording
from worker.reading.doctor import findings
from worker.reading.wordings import unknown
from worker.rules.refusal import Refusals

OWN = {"code": "service", "version": 1, "language": "en"}


def shipped(code="service", language="en"):
    return Wording.objects.get(code=code, language=language, clinic=None).text


def loaded(*wordings, **clinic):
    raw = builders.clinic_file(**clinic)
    raw["wording"] = list(wordings)
    return builders.load_clinic(raw)


def test_off_by_default(house):
    """Rules 7, 9: nobody is asked, 48 hours, 18 months."""
    clinic = Clinic.objects.get(slug="lakeside")
    assert (clinic.double_opt_in, clinic.optin_hours, clinic.stale_after_months) == ([], 48, 18)


def test_a_clinic_sets_them(house):
    """Rules 7, 9: from its file, and again with the next."""
    clinic = loaded(double_opt_in=["sms"], optin_hours=24, stale_after_months=12)
    assert (clinic.double_opt_in, clinic.optin_hours, clinic.stale_after_months) == (["sms"], 24, 12)
    assert loaded().double_opt_in == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("double_opt_in", ["pigeon"]), ("double_opt_in", "sms"), ("double_opt_in", ["sms", "sms"]),
        ("double_opt_in", True), ("optin_hours", 0), ("optin_hours", 169), ("optin_hours", "soon"),
        ("stale_after_months", 5), ("stale_after_months", 25), ("stale_after_months", None),
    ],
)  # fmt: skip
def test_what_lies_beyond_the_bounds_is_refused(house, field, value):
    """P12: named, and nothing changed."""
    before = builders.counts()
    with pytest.raises(Refusals) as refused:
        loaded(**{field: value})
    assert all(fault.field.startswith(f"clinic.{field}") and fault.mend for fault in refused.value.faults)
    assert builders.counts() == before


def test_words_that_lack_something_are_not_loaded(house):
    """Rule 5: every missing element at once, each with its mend; nothing changed."""
    before = builders.counts()
    text = shipped().replace("Reply HELP for help.", "").replace("not encrypted", "encrypted")
    with pytest.raises(Refusals) as refused:
        loaded({**OWN, "text": text})
    assert [fault.problem for fault in refused.value.faults] == [
        "does not say how to get help: HELP", "does not say that messages are not encrypted",
    ]  # fmt: skip
    assert {fault.field for fault in refused.value.faults} == {"wording.service@1.en"}
    assert builders.counts() == before
    assert loaded({**OWN, "text": shipped()}).wordings.count() == 1


def test_the_doctor_names_what_a_stored_wording_lacks(house):
    """Rule 5: only the newest version counts; what people agreed to before stays as it was."""
    clinic = loaded({**OWN, "text": shipped()})
    poor = {"clinic": clinic, "code": "service", "language": "en", "sha256": "0" * 64, "created_at": builders.NOW}
    Wording.objects.create(**poor, version=2, text=shipped().replace("voluntary", "needed"))
    found = [each for each in findings() if "wording" in each.what]
    assert [(each.what, each.ok, each.says) for each in found] == [
        ("lakeside wording service@2 en", False, "does not say that agreeing is voluntary")
    ]
    assert "next version number" in found[0].mend
    Wording.objects.create(**poor, version=3, text=shipped())
    assert not [each for each in findings() if "wording" in each.what]


def test_the_doctor_says_which_language_nobody_checked(house):
    """No word list, no verdict: a person has to read it."""
    loaded({**OWN, "language": "fr", "text": "J'accepte de recevoir des messages de la clinique."})
    assert unknown() == ["lakeside wording service@1 fr"]
    assert [each.ok for each in findings() if "wording" in each.what] == [True]


@pytest.mark.parametrize("identity", ["LAKESIDE", "0212 555 0100", "+1 212-555-0100", "MGnone"])
def test_a_sender_that_takes_no_reply_is_refused(house, identity):
    """Rules 29, 72: to a name nobody can answer STOP; it is named at the load, and nothing changed (P12)."""
    before = builders.counts()
    raw = builders.clinic_file()
    raw["sender"] = [{"channel": "sms", "identity": identity}]
    with pytest.raises(Refusals) as refused:
        builders.load_clinic(raw)
    assert ["takes replies" in str(fault) for fault in refused.value.faults] == [True]
    assert builders.counts() == before


@pytest.mark.parametrize("identity", ["+12125550100", "43210", "MG" + "0a" * 16])
def test_a_number_a_short_code_and_a_messaging_service_take_replies(identity):
    """Rule 26: what a clinic may send by."""
    assert checked(ClinicFile, builders.clinic_file() | {"sender": [{"channel": "sms", "identity": identity}]})
