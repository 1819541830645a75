"""Approval binds a practitioner to one hash; a changed text is another version without one (P3, rule 10)."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import pytest

from tests import builders
from tests.builders import LOADED, MILLER, NOW, OKAFOR, PROTOCOL, SAM
from worker.actions.clients import find
from worker.actions.protocols.approve import approve, the_protocol, withdraw
from worker.management.cli import main
from worker.models import Approval, Event, ProtocolVersion, Staff, StaffRole
from worker.reading.chain import faults
from worker.rules.refusal import Refusals


def _lakesides():
    return the_protocol(PROTOCOL, clinic_slug="lakeside")


def _folder(tmp_path, *, file="day-1.en.sms.txt", old="{{ clinic_name }}", new="{{ clinic_name }} ", toml=None):
    """The shipped protocol with one change, beside a clinic file."""
    folder = tmp_path / PROTOCOL
    shutil.copytree(builders.EXAMPLES.parent.parent / "templates" / "messages" / PROTOCOL, folder)
    name = "protocol.toml" if toml else file
    changed, wanted = toml or (old, new)
    text = (folder / name).read_text()
    assert changed in text
    (folder / name).write_text(text.replace(changed, wanted))
    return tmp_path


def _refused(problem, **asked):
    before = builders.counts()
    with pytest.raises(Refusals, match=problem) as caught:
        approve(**{"protocol": _lakesides(), "by": OKAFOR, "now": NOW, **asked})
    assert builders.counts() == before
    assert all(fault.mend for fault in caught.value.faults)


def test_the_approval_holds_the_hash_the_name_and_the_licence(house):
    """Rule 10: who said yes to which bytes, when, with which licence."""
    approval = Approval.objects.get(version__protocol=_lakesides())
    assert approval.sha256 == approval.version.sha256
    assert (approval.by.email, approval.licence, approval.approved_at) == (OKAFOR, "NY-204417", LOADED)


def test_loading_the_same_file_again_is_no_new_version(house):
    """Rule 10: the same content is the version there is, and its approval stands."""
    builders.load_clinic(builders.clinic_file(), now=NOW)
    assert ProtocolVersion.objects.filter(protocol=_lakesides()).count() == 1


def test_a_changed_text_is_a_new_version_that_nobody_approved(house, tmp_path):
    """P3, rule 10: the old approval stands for the old version; enrolling goes on under that one."""
    old = Approval.objects.get(version__protocol=_lakesides())
    builders.load_clinic(builders.clinic_file(), beside=_folder(tmp_path), now=NOW)
    versions = ProtocolVersion.objects.filter(protocol=_lakesides()).order_by("number")
    assert [version.number for version in versions] == [1, 2]
    assert versions[0].sha256 != versions[1].sha256
    assert not versions[1].approvals.exists()
    assert find.approved_version(PROTOCOL, clinic_id=house.lakeside.pk, now=NOW, field="x") == old.version
    new, fresh = approve(protocol=_lakesides(), by=OKAFOR, now=NOW)
    assert fresh
    assert (new.version, new.sha256) == (versions[1], versions[1].sha256)
    assert find.approved_version(PROTOCOL, clinic_id=house.lakeside.pk, now=NOW, field="x") == versions[1]


@pytest.mark.parametrize(
    "by", [SAM, MILLER, builders.CHARLIE, "nobody@lakeside.example", "", "okafor@lakeside.example\n"]
)
def test_only_a_practitioner_of_that_clinic_approves(house, by):
    """P3, P10: neither the desk, nor the other clinic's practitioner; and all hear the same words."""
    _refused("is no active practitioner of this clinic", by=by)


def test_a_practitioner_without_licence_is_refused(house):
    """P3: an approval quotes a licence number."""
    Staff.objects.filter(email=OKAFOR).update(licence="")
    _refused("has no licence number")


def test_who_left_the_clinic_approves_nothing(house):
    """P10: neither an inactive account nor a role that was taken away."""
    Staff.objects.filter(email=OKAFOR).update(is_active=False)
    _refused("is no active practitioner")
    Staff.objects.filter(email=OKAFOR).update(is_active=True)
    StaffRole.objects.filter(staff__email=OKAFOR).delete()
    _refused("is no active practitioner")


@pytest.mark.parametrize("days", [-1, 0, 731])
def test_the_review_date_lies_within_two_years(house, days):
    """An approval without end is no approval."""
    _refused("review_by", review_by=NOW + timedelta(days=days))


def test_a_step_that_some_treatment_would_leave_without_a_word_is_refused(house, tmp_path):
    """P5: approving is refused while a step can be lost in silence, and the step is named."""
    beside = _folder(tmp_path, toml=('until = { days = 1, at = "08:00" }', "until = { hours = 3 }"))
    text = (beside / PROTOCOL / "protocol.toml").read_text().replace('if_closed = "earlier"', 'if_closed = "skip"')
    (beside / PROTOCOL / "protocol.toml").write_text(text)
    builders.load_clinic(builders.clinic_file(), beside=beside, now=NOW)
    _refused("step same-day")


def test_approving_twice_is_one_approval(house):
    """The second yes to the same hash is the first one."""
    standing = Approval.objects.get(version__protocol=_lakesides())
    again, fresh = approve(protocol=_lakesides(), by=OKAFOR, now=NOW)
    assert not fresh
    assert again == standing


def test_an_overdue_approval_gives_way_to_a_new_one(house):
    """P3: past its review date the old yes ends with the new one, and both are kept."""
    old = Approval.objects.get(version__protocol=_lakesides())
    late = old.review_by + timedelta(days=1)
    new, fresh = approve(protocol=_lakesides(), by=OKAFOR, now=late)
    old.refresh_from_db()
    assert fresh
    assert (old.withdrawn_at, new.approved_at) == (late, late)
    assert new.review_by > late


def _two_drafts(tmp_path):
    """Version 1 as it was approved, and two later ones that nobody approved; the last file loaded is version 2's."""
    for new in ("{{ clinic_name }} ", "{{ clinic_name }}  "):
        (beside := tmp_path / str(len(new))).mkdir()
        builders.load_clinic(builders.clinic_file(), beside=_folder(beside, new=new), now=NOW)
    builders.load_clinic(builders.clinic_file(), beside=tmp_path / "18", now=NOW)


def test_of_two_drafts_none_is_approved_by_being_the_newest(house, tmp_path):
    """P3, P12: an old file loaded again is not the newest version; which one she read must be said, and it counts."""
    _two_drafts(tmp_path)
    _refused("versions 2, 3 are not approved")
    _refused("is not known here", version=4)
    approval, fresh = approve(protocol=_lakesides(), by=OKAFOR, now=NOW, version=2)
    assert (approval.version.number, fresh) == (2, True)
    newest, fresh = approve(protocol=_lakesides(), by=OKAFOR, now=NOW)  # just one is left
    assert (newest.version.number, fresh) == (3, True)


def test_an_old_draft_is_not_approved_because_the_newest_version_is(house, tmp_path):
    """P3: the same two commands run again, as after every deployment, approve nothing that somebody left as a draft."""
    _two_drafts(tmp_path)
    approve(protocol=_lakesides(), by=OKAFOR, now=NOW, version=3)
    before = builders.counts()
    approval, fresh = approve(protocol=_lakesides(), by=OKAFOR, now=NOW)
    assert (approval.version.number, fresh) == (3, False)
    assert builders.counts() == before


def test_the_verb_approves_the_version_that_is_named_and_prints_it(house, tmp_path, capfd):
    """P3: what was approved is printed with its hash, and what is a draft still, or newer and approved too, is said."""
    _two_drafts(tmp_path)
    ask = ["approve", PROTOCOL, "--clinic", "lakeside", "--by", OKAFOR]
    assert main(ask) == 1
    assert "versions 2, 3 are not approved; read them, then name one: --version 3" in capfd.readouterr().err
    assert main([*ask, "--version", "2"]) == 0
    told, version = capfd.readouterr().out, ProtocolVersion.objects.get(protocol=_lakesides(), number=2)
    assert told.startswith(f"{PROTOCOL} version 2 is approved until ")
    assert f"sha256 {version.sha256}" in told
    assert "not approved: version 3" in told
    assert main([*ask, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["version"] == 3
    assert main([*ask, "--version", "1"]) == 0
    assert "version 3 is approved and newer: new clients are enrolled under that one" in capfd.readouterr().out


def test_loading_an_old_file_again_says_which_version_that_is(house, tmp_path, capfd):
    """P3, P12: the command to approve it names the version, and a newer one that waits is named beside it."""
    _two_drafts(tmp_path)
    for name, said in (
        ("18", f"version 2: a draft; read it, then: aftercare approve {PROTOCOL} --version 2 --by EMAIL"),
        ("19", f"version 3: a draft; read it, then: aftercare approve {PROTOCOL} --version 3 --by EMAIL"),
    ):
        shutil.copy(builders.EXAMPLES / "lakeside.toml", tmp_path / name / "lakeside.toml")
        assert main(["load", str(tmp_path / name / "lakeside.toml")]) == 0
        told = capfd.readouterr().out
        assert said in told
        assert ("not the newest: that is version 3" in told) == (name == "18")


def test_withdrawing_says_which_versions(house, tmp_path, capfd):
    """P3, P8: every approval ends, whichever version it was of, and each is named."""
    _two_drafts(tmp_path)
    approve(protocol=_lakesides(), by=OKAFOR, now=NOW, version=2)
    assert main(["withdraw", PROTOCOL, "--clinic", "lakeside", "--by", OKAFOR]) == 0
    assert "2 approval(s) withdrawn (versions 1, 2); nothing more of it leaves" in capfd.readouterr().out


def test_withdrawing_ends_every_approval_of_the_protocol_and_is_sealed(house):
    """P3: the practitioner takes back her yes; it is on record."""
    withdraw(protocol=_lakesides(), by=OKAFOR, now=NOW)
    assert not Approval.objects.filter(version__protocol=_lakesides(), withdrawn_at__isnull=True).exists()
    assert Event.objects.filter(kind="withdrawn", clinic_id=house.lakeside.pk).count() == 1
    assert faults() == []
    with pytest.raises(Refusals, match="no approval to withdraw"):
        withdraw(protocol=_lakesides(), by=OKAFOR, now=NOW)


def test_withdrawing_at_one_clinic_leaves_the_other_alone(house):
    """P10: the same protocol of another clinic has its own approval."""
    withdraw(protocol=_lakesides(), by=OKAFOR, now=NOW)
    assert Approval.objects.filter(version__protocol__clinic=house.hillside, withdrawn_at__isnull=True).exists()


def test_a_protocol_is_named_by_clinic_where_two_have_it(house):
    """P12: which of two is never guessed."""
    with pytest.raises(Refusals, match="belongs to several clinics"):
        the_protocol(PROTOCOL)
    with pytest.raises(Refusals, match="is not known here"):
        the_protocol("laser")
