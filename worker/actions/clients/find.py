"""Look things up for an action, or refuse with the field and the mend."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from worker.models import Approval, Clinic, ProtocolVersion, Staff, Wording
from worker.models.staff import Role
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime


def clinic(slug: str) -> Clinic:
    """The clinic of that slug. Raises Refusals."""
    found = Clinic.objects.filter(slug=slug).first()
    if found is None:
        raise Refusals([Refusal("clinic", "is not known here", "load it first: aftercare load CLINIC.toml")])
    return found


def only_clinic() -> Clinic:
    """The clinic of an installation that has just one. Raises Refusals."""
    several = list(Clinic.objects.all()[:2])
    if len(several) != 1:
        raise Refusals([Refusal("clinic", "must be named, there is not just one", "add --clinic SLUG")])
    return several[0]


def staff(email: str, *, clinic_id: int, roles: tuple[Role, ...], field: str) -> Staff:
    """A person of that clinic who holds one of the roles. Raises Refusals; the same words whoever is missing (P10)."""
    found = Staff.objects.filter(
        email__iexact=email, clinic_id=clinic_id, is_active=True, roles__role__in=roles
    ).first()
    if found is None:
        wanted = " or ".join(roles)
        raise Refusals([Refusal(field, f"is no active {wanted} of this clinic", "name one of its staff")])
    return found


def approved_version(code: str, *, clinic_id: int, now: datetime, field: str) -> ProtocolVersion:
    """The newest version of a protocol that a practitioner's approval covers now. Raises Refusals."""
    versions = ProtocolVersion.objects.filter(protocol__clinic_id=clinic_id, protocol__code=code)
    if not versions.exists():
        raise Refusals(
            [Refusal(field, "is not a protocol of this clinic", "load it first: aftercare load CLINIC.toml")]
        )
    standing = Approval.objects.filter(version__in=versions, withdrawn_at__isnull=True, review_by__gt=now)
    approval = standing.select_related("version__protocol").order_by("-version__number").first()
    if approval is None:
        mend = f"let a practitioner read and approve it: aftercare approve {code} --by EMAIL"
        raise Refusals([Refusal(field, "is not approved", mend)])
    return approval.version


def wording(reference: str, *, clinic_id: int, language: str, field: str) -> Wording:
    """The wording `code@version` in a language, the clinic's own before the shipped one. Raises Refusals."""
    code, _, version = reference.partition("@")
    found = (
        Wording.objects.filter(code=code, version=int(version), language=language).filter(clinic_id=clinic_id).first()
        or Wording.objects.filter(code=code, version=int(version), language=language, clinic__isnull=True).first()
    )
    if found is None:
        raise Refusals(
            [Refusal(field, "is no wording of this clinic in the client's language", "use one that `load` stored")]
        )
    return found


DESK = (Role.DESK, Role.PRACTITIONER, Role.OWNER)


class Remembered:
    """The same questions, each asked once: a look at a file of thousands has the same answers row after row.

    Only as old as whoever made it: a look ends within seconds, and what is enrolled asks anew. Refusals are not kept.
    """

    def __init__(self) -> None:
        self.clinic, self.staff = cache(clinic), cache(staff)
        self.approved_version, self.wording = cache(approved_version), cache(wording)
