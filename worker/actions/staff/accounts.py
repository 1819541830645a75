"""Bring in people, tell them what they may do, and end what they began; passwords never travel (P10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.db.models import F
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from worker import clock
from worker.actions.record.audit import record
from worker.models import Clinic, Staff, StaffRole
from worker.models.staff import Role
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Iterable

SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """A person who was invited, and what her link is made of; the link works once, for three days."""

    staff: Staff
    uid: str
    token: str


@transaction.atomic
def invite(
    *, clinic_id: int, email: str, name: str, roles: Iterable[Role], by: str, licence: str = "", over: bool = False
) -> Invited:
    """Bring a person into a clinic, or send a lost link again; `by` is "staff:12" or "system". Raises Refusals.

    An address that works at another clinic is refused, and so is somebody of this one whom it would change or let
    in again: her own page asks for the password, and keeps the last owner. Only a shell, which has passed every
    door already, writes `over` her: then her roles become exactly `roles`.
    """
    wanted = _roles(roles, licence)
    person = Staff.objects.select_for_update(no_key=True).filter(email__iexact=email).first()
    if person is not None and person.clinic_id != clinic_id:
        mend = "give each person one address a clinic"
        raise Refusals([Refusal("email", "belongs to another clinic", mend)])
    if person is not None and not over and not _stays(person, wanted, licence):
        raise Refusals([Refusal("email", "is here already", "change her on her own page")])
    if person is None:
        person = Staff(clinic_id=clinic_id, email=email)
        person.set_unusable_password()
    person.name, person.licence, person.is_active = name, licence or person.licence, True
    person.save()
    _give(person, wanted, by)
    return Invited(staff=person, uid=urlsafe_base64_encode(str(person.pk).encode()), token=_token(person))


@transaction.atomic
def change_roles(*, staff_id: int, clinic_id: int, roles: Iterable[Role], licence: str, by: str) -> Staff:
    """Give a person of this clinic exactly `roles`. Raises Refusals; the last owner stays one."""
    person = _person(staff_id, clinic_id)
    wanted = _roles(roles, licence)
    if Role.OWNER not in wanted:
        _another_owner(person)
    person.licence = licence
    person.save(update_fields=["licence"])
    _give(person, wanted, by)
    return person


@transaction.atomic
def switch(*, staff_id: int, clinic_id: int, active: bool, by: str) -> Staff:
    """Let a person in again, or let her in no more: her sessions end with it. Raises Refusals."""
    person = _person(staff_id, clinic_id)
    if not active:
        _another_owner(person)
    person.is_active, person.sign_outs = active, person.sign_outs + 1
    person.save(update_fields=["is_active", "sign_outs"])
    _note(person, "staff_in" if active else "staff_out", by)
    return person


@transaction.atomic
def sign_out_everywhere(*, staff_id: int) -> None:
    """End every session of a person."""
    Staff.objects.filter(pk=staff_id).update(sign_outs=F("sign_outs") + 1)
    person = Staff.objects.get(pk=staff_id)
    _note(person, "signed_out_everywhere", f"staff:{staff_id}")


def invited(uid: str, token: str) -> Staff | None:
    """The person whose invitation this is, while it may still be used."""
    try:
        number = int(urlsafe_base64_decode(uid).decode("ascii"))
    except ValueError:  # also of bytes that are no text
        return None
    person = Staff.objects.select_related("clinic").filter(pk=number, is_active=True).first()
    return person if person is not None and default_token_generator.check_token(person, token) else None


@transaction.atomic
def accept(*, uid: str, token: str, password: str) -> Staff:
    """Set the password of an invited person; the link is used up by it. Raises Refusals."""
    person = invited(uid, token)
    if person is None:
        raise Refusals([Refusal("invitation", "is over", "ask for another one")])
    person.set_password(password)
    person.save(update_fields=["password"])
    _note(person, "invitation_accepted", f"staff:{person.pk}")
    return person


@transaction.atomic
def set_password(*, email: str, password: str) -> Staff:
    """Set the password of a person who is there; for the demo and for `aftercare create-owner`. Raises Refusals."""
    person = Staff.objects.filter(email__iexact=email).first()
    if person is None:
        raise Refusals([Refusal("email", "is nobody here", "name one of the clinic's staff")])
    person.set_password(password)
    person.save(update_fields=["password"])
    _note(person, "password_set", SYSTEM)
    return person


def _person(staff_id: int, clinic_id: int) -> Staff:
    found = Staff.objects.select_for_update(no_key=True).filter(pk=staff_id, clinic_id=clinic_id).first()
    if found is None:
        raise Refusals([Refusal("staff", "is nobody of this clinic", "choose one of its people")])
    return found


def _roles(roles: Iterable[Role], licence: str) -> set[Role]:
    wanted = set(roles)
    if not wanted:
        raise Refusals([Refusal("roles", "are missing", "tick at least one")])
    if Role.PRACTITIONER in wanted and not licence:
        mend = "write the licence number: it stands in every approval"
        raise Refusals([Refusal("licence", "is needed for a practitioner", mend)])
    return wanted


def _stays(person: Staff, wanted: set[Role], licence: str) -> bool:
    """True when an invitation would leave her as she is, but for her name."""
    return person.is_active and set(person.held) == wanted and licence in ("", person.licence)


def _another_owner(person: Staff) -> None:
    """A clinic that nobody owns can let nobody in any more. The clinic's row keeps two from leaving at once."""
    Clinic.objects.select_for_update(no_key=True).get(pk=person.clinic_id)
    owners = StaffRole.objects.filter(staff__clinic=person.clinic_id, staff__is_active=True, role=Role.OWNER)
    theirs = set(owners.values_list("staff_id", flat=True))
    if theirs == {person.pk}:
        raise Refusals([Refusal("roles", "would leave the clinic without an owner", "make somebody else owner first")])


def _give(person: Staff, wanted: set[Role], by: str) -> None:
    StaffRole.objects.filter(staff=person).exclude(role__in=wanted).delete()
    for role in sorted(wanted):
        StaffRole.objects.get_or_create(staff=person, role=role)
    _note(person, "staff_roles", by, roles=sorted(wanted))


def _token(person: Staff) -> str:
    return default_token_generator.make_token(person)


def _note(person: Staff, kind: str, by: str, **facts: object) -> None:
    record(
        clinic_id=person.clinic_id, kind=kind, subject=f"staff:{person.pk}", actor=by, at=clock.now(), facts=facts
    )  # fmt: skip
