"""The enrolment form: what the desk types, and how it becomes the one enrolment file that the action takes (P12)."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from worker.actions.clients.enrol_check import asks_for_basis
from worker.models.staff import Role
from worker.reading import wording_choice
from worker.reading.approved import approved, title
from worker.rules.local_time import instant, local, zone
from worker.rules.names import Channel, Purpose
from worker.web.desk.zones import Clocks, zone_choices

if TYPE_CHECKING:
    from worker.models import Clinic, ProtocolVersion, Staff, Wording
    from worker.web.desk.frame import DeskRequest

AGREEMENTS = tuple((channel, purpose) for channel in Channel for purpose in Purpose)
OWN_PHONE = "web"
METHODS = [
    ("kiosk", lazy("She signs here, on this screen")),
    ("verbal", lazy("I read it out, and she said yes")),
    ("paper", lazy("She signed it on paper")),
]
LANGUAGES = [("en", "English"), ("es", "Español")]
BASES = [("none", lazy("not asked for here")), ("explicit_consent", lazy("her explicit consent")),
         ("care", lazy("care by a professional"))]  # fmt: skip
WORDS = {
    (Channel.SMS, Purpose.AFTERCARE): lazy("Aftercare by text message"),
    (Channel.SMS, Purpose.REMINDERS): lazy("Reminders by text message"),
    (Channel.SMS, Purpose.MARKETING): lazy("Offers by text message"),
    (Channel.EMAIL, Purpose.AFTERCARE): lazy("Aftercare by email"),
    (Channel.EMAIL, Purpose.REMINDERS): lazy("Reminders by email"),
    (Channel.EMAIL, Purpose.MARKETING): lazy("Offers by email"),
}


FARTHEST = timedelta(days=1000)  # beyond it the rules would refuse anyhow, and a calendar has an end


def box(channel: Channel, purpose: Purpose) -> str:
    """The name of the tick box of one agreement."""
    return f"agree_{channel}_{purpose}"


class Day(forms.DateInput):
    """The browser's own calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class Hour(forms.TimeInput):
    """The browser's own clock."""

    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class EnrolForm(forms.Form):
    """One client with everything she said; nothing is ticked beforehand (rule 3)."""

    name = forms.CharField(label=lazy("Name"), max_length=120)
    phone = forms.CharField(label=lazy("Mobile phone"), max_length=40, required=False)
    email = forms.CharField(label=lazy("Email"), max_length=254, required=False)
    language = forms.ChoiceField(label=lazy("She reads"), choices=LANGUAGES)
    zone = forms.ChoiceField(label=lazy("Her clock"), widget=Clocks, required=False)
    holder_name = forms.CharField(label=lazy("Whose phone or mailbox it is"), max_length=120, required=False)
    holder_relationship = forms.CharField(label=lazy("Related as"), max_length=40, required=False)
    minor = forms.BooleanField(label=lazy("She is a minor: this person agrees for her"), required=False)
    health_data_basis = forms.ChoiceField(label=lazy("Health data may be kept because of"), choices=BASES)
    protocol = forms.ChoiceField(label=lazy("Treatment"))
    treated_day = forms.DateField(label=lazy("Treated on"), widget=Day)
    treated_time = forms.TimeField(label=lazy("at"), widget=Hour)
    practitioner = forms.ChoiceField(label=lazy("By"), required=False)
    session_day = forms.DateField(label=lazy("Next session"), widget=Day, required=False)
    session_time = forms.TimeField(label=lazy("at"), widget=Hour, required=False)
    method = forms.ChoiceField(label=lazy("How she agreed"), choices=METHODS, widget=forms.RadioSelect, required=False)
    signed_name = forms.CharField(label=lazy("Her name, typed by her"), max_length=120, required=False)
    strokes = forms.CharField(widget=forms.HiddenInput, required=False)
    another = forms.BooleanField(label=lazy("Yes, this is another person"), required=False)
    external_id = forms.CharField(widget=forms.HiddenInput, max_length=60)
    signs = False  # True on her own phone: there a signature is asked for

    def __init__(
        self, data: Any, *, clinic: Clinic, versions: list[ProtocolVersion], staff: list[Staff], now: datetime,
        language: str,
    ) -> None:  # fmt: skip
        """`versions` are the approved ones, `staff` the practitioners, `language` that of the interface."""
        wall = local(now, zone(clinic.zone))
        first = {
            "language": clinic.language, "zone": clinic.zone, "treated_day": wall.date(), "treated_time": wall.time(),
            "external_id": f"desk-{uuid.uuid4().hex[:12]}", "health_data_basis": "none",
        }  # fmt: skip
        super().__init__(data, initial=first)
        self.clinic, self.versions, self.now = clinic, {each.protocol.code: each for each in versions}, now
        self.fields["method"].choices = [*METHODS]  # type: ignore[attr-defined] # a choice field
        if data is not None and data.get("method") == OWN_PHONE:
            self.fields["method"].choices = [(OWN_PHONE, "")]  # type: ignore[attr-defined] # set by us, not by a client
        self._choose("zone", zone_choices(clinic))
        self._choose("protocol", [(code, title(each, language)) for code, each in self.versions.items()])
        people = [(each.email, each.name or each.email) for each in staff]
        self.initial["practitioner"] = people[0][0] if people else ""
        self._choose("practitioner", [*people, ("", _("somebody else"))])
        if not asks_for_basis(clinic):
            del self.fields["health_data_basis"]
        for channel, purpose in AGREEMENTS:
            self.fields[box(channel, purpose)] = forms.BooleanField(label=WORDS[channel, purpose], required=False)

    def _choose(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean_strokes(self) -> list[Any]:
        """What she drew, as lists of points."""
        said = self.cleaned_data["strokes"]
        if not said or len(said) > 100_000:  # noqa: PLR2004 - a signature is a few kilobytes
            return []
        try:
            read = json.loads(said)
        except (ValueError, RecursionError):
            return []
        return read if _is_drawn(read) else []

    def clean(self) -> dict[str, Any]:
        """What only the whole form can tell."""
        said = super().clean() or {}
        today = local(self.now, zone(self.clinic.zone)).date()
        for name in ("treated_day", "session_day"):
            if said.get(name) and abs(said[name] - today) > FARTHEST:
                self.add_error(name, _("is years away; check the date"))
        if said.get("session_time") and not said.get("session_day"):
            self.add_error("session_day", _("is missing; give the day too, or leave the hour out"))
        if self.ticked and not said.get("method"):
            self.add_error("method", _("is missing; say how she agreed"))
        if (
            self.ticked
            and (self.signs or said.get("method") == "kiosk")
            and not (said.get("strokes") or said.get("signed_name"))
        ):
            self.add_error("signed_name", _("is missing; let her sign, or type her name"))
        return said

    @property
    def ticked(self) -> frozenset[tuple[Channel, Purpose]]:
        """What she agreed to."""
        return frozenset(each for each in AGREEMENTS if self.data.get(box(*each)) in ("on", "true", "1"))

    @property
    def agreements(self) -> list[dict[str, Any]]:
        """The tick boxes by kind of words: care and reminders under one, offers under another."""
        service = [box(*each) for each in AGREEMENTS if each[1] is not Purpose.MARKETING]
        offers = [box(*each) for each in AGREEMENTS if each[1] is Purpose.MARKETING]
        return [{"kind": "service", "boxes": [self[each] for each in service]},
                {"kind": "marketing", "boxes": [self[each] for each in offers]}]  # fmt: skip

    def moment(self, name: str) -> datetime | None:
        """The day and hour of `treated` or `session` on the clinic's clock, when both can be read."""
        found: dict[str, Any] = getattr(self, "cleaned_data", {})
        day, hour = found.get(f"{name}_day"), found.get(f"{name}_time")
        return instant(day, hour, zone(self.clinic.zone)) if day and hour else None


def form_of(request: DeskRequest, now: datetime) -> EnrolForm:
    """The desk's form, as far as it was sent."""
    practitioners = request.clinic.staff.filter(is_active=True, roles__role=Role.PRACTITIONER).order_by("name")
    return EnrolForm(
        request.POST or None, clinic=request.clinic, versions=approved(request.clinic, now=now),
        staff=list(practitioners), now=now, language=str(getattr(request, "LANGUAGE_CODE", "en"))[:2],
    )  # fmt: skip


def as_file(form: EnrolForm, words: dict[tuple[str, str], Wording], *, by: str, device: str = "") -> dict[str, Any]:
    """The valid form as an enrolment file; `by` is the email of whoever enrols."""
    said, clinic = form.cleaned_data, form.clinic
    place = ZoneInfo(clinic.zone)
    raw: dict[str, Any] = {
        "clinic": clinic.slug, "enrolled_by": by, "external_id": said["external_id"], "name": said["name"],
        "language": said["language"], "zone": said["zone"], "phone": said["phone"], "email": said["email"],
        "minor": said["minor"], "health_data_basis": said.get("health_data_basis", "none"),
        "consents": [_consent(each, form, words) for each in AGREEMENTS if each in form.ticked],
    }  # fmt: skip
    if said["holder_name"] or said["holder_relationship"]:
        raw["holder"] = {"name": said["holder_name"], "relationship": said["holder_relationship"]}
    if form.ticked and (said["strokes"] or said["signed_name"]):
        raw["signature"] = {"typed": said["signed_name"], "strokes": said["strokes"], "device": device}
    treated, session = form.moment("treated"), form.moment("session")
    if treated:
        raw["treatment"] = {
            "protocol": said["protocol"], "external_id": f"{said['external_id']}-1",
            "performed_at": treated.astimezone(place).isoformat(), "practitioner": said["practitioner"],
        }  # fmt: skip
    if session:
        visit = {"external_id": f"{said['external_id']}-2", "starts_at": session.astimezone(place).isoformat()}
        raw["appointment"] = visit
    return raw


def _consent(each: tuple[Channel, Purpose], form: EnrolForm, words: dict[tuple[str, str], Wording]) -> dict[str, Any]:
    channel, purpose = each
    code = wording_choice.MARKETING if purpose is Purpose.MARKETING else wording_choice.SERVICE
    if form.cleaned_data["holder_name"]:
        code = f"{code}-holder"
    wording = words.get((code, form.cleaned_data["language"]))
    return {
        "channel": channel.value, "purpose": purpose.value, "affirmed": True, "method": form.cleaned_data["method"],
        "given_at": form.now.astimezone(ZoneInfo(form.clinic.zone)).isoformat(),
        "wording": wording_choice.reference(wording) if wording else f"{code}@1", "source": "desk",
    }  # fmt: skip


def _is_drawn(read: Any) -> bool:
    """True for lines of points, which is what our script sends: anything else would break the page that shows them."""
    return isinstance(read, list) and all(
        isinstance(line, list)
        and all(isinstance(at, list) and [type(each) for each in at] in ([int, int], [float, float]) for at in line)
        for line in read
    )


def soonest(version: ProtocolVersion, treated: datetime | None) -> tuple[datetime, datetime] | None:
    """From when to when the next session is approved."""
    if treated is None:
        return None
    from worker import rendering

    first, last = rendering.version(version.document).source.interval_days
    return treated + timedelta(days=first), treated + timedelta(days=last)
