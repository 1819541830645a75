"""Which column of somebody's file is what, and what holds for all its rows (P12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from worker.actions.clients.enrol_check import asks_for_basis
from worker.intake.client_rows import COLUMNS, NEEDED
from worker.reading import wording_choice
from worker.reading.approved import approved, title
from worker.web.desk.enrol_form import BASES

if TYPE_CHECKING:
    from datetime import datetime

    from django.forms import BoundField

    from worker.models import Clinic

LABELS = {
    "external_id": lazy("Her number in the other system"),
    "given_name": lazy("First name"),
    "family_name": lazy("Last name"),
    "mobile": lazy("Mobile phone"),
    "email": lazy("Email"),
    "language": lazy("She reads"),
    "time_zone": lazy("Her clock"),
    "treatment_code": lazy("Treatment"),
    "treatment_id": lazy("Number of the session"),
    "treated_at": lazy("Treated on"),
    "practitioner_id": lazy("Practitioner"),
    "next_session_at": lazy("Next session"),
    "appointment_id": lazy("Number of the visit"),
    "appointment_status": lazy("State of the visit"),
    "consent_sms_aftercare": lazy("Yes to aftercare by text message"),
    "consent_sms_reminder": lazy("Yes to reminders by text message"),
    "consent_email_aftercare": lazy("Yes to aftercare by email"),
    "consent_email_reminder": lazy("Yes to reminders by email"),
    "consent_at": lazy("When she agreed"),
    "consent_by": lazy("Who asked her"),
    "consent_method": lazy("How she agreed"),
    "consent_wording_version": lazy("Words that she agreed to"),
    "health_data_basis": lazy("Health data may be kept because of"),
    "date_of_birth": lazy("Date of birth"),
}
GROUPS = (
    (lazy("Who she is"), ("external_id", "given_name", "family_name", "mobile", "email", "language", "time_zone")),
    (lazy("What she agreed to"), tuple(column for column in COLUMNS if column.startswith("consent_"))),
    (lazy("What was done, and what comes next"), (
        "treatment_code", "treated_at", "treatment_id", "practitioner_id", "next_session_at", "appointment_id",
        "appointment_status",
    )),
    (lazy("Anything else"), ("health_data_basis", "date_of_birth")),
)  # fmt: skip
METHODS = [
    ("", lazy("the file says it")),
    ("in person", lazy("in person, read out")),
    ("paper", lazy("on paper")),
    ("web form", lazy("on a web form")),
    ("kiosk", lazy("on a screen at the clinic")),
    ("phone", lazy("on the phone")),
    ("email", lazy("by email")),
]


class UploadForm(forms.Form):
    """The file."""

    file = forms.FileField(
        label=lazy("CSV file"), widget=forms.ClearableFileInput({"accept": ".csv,text/csv"}),
        error_messages={"required": lazy("Choose a file of 32 MB at most.")},
        help_text=lazy("Its first line names the columns. UTF-8, 50,000 rows and 32 MB at most."),
    )  # fmt: skip


class MappingForm(forms.Form):
    """Our columns, each with a choice of the file's; what was recognised by its name is chosen already."""

    def __init__(
        self, data: Any, *, heads: list[str], first: list[str], mapping: dict[str, int], clinic: Clinic, now: datetime,
        language: str,
    ) -> None:  # fmt: skip
        """`heads` is the file's first line, `first` the row below it, `mapping` leads from our columns to places."""
        super().__init__(data)
        seen = [("", "—"), *((head, _sample(head, cell)) for head, cell in zip(heads, first, strict=True) if head)]
        for column in COLUMNS:
            need = column in NEEDED
            self.fields[column] = forms.ChoiceField(label=LABELS[column], choices=seen, required=need)
            if column in mapping:
                self.initial[column] = heads[mapping[column]]
        self._defaults(clinic, now, language)

    def _defaults(self, clinic: Clinic, now: datetime, language: str) -> None:
        protocols = [(each.protocol.code, title(each, language)) for each in approved(clinic, now=now)]
        words = {wording_choice.reference(each) for each in wording_choice.words(clinic).values()}
        service = sorted(each for each in words if each.startswith(wording_choice.SERVICE))
        self._choice("for_all_protocol", lazy("Treatment of all rows"), [("", _("the file says it")), *protocols])
        self._choice("for_all_method", lazy("How all of them agreed"), METHODS)
        self._choice("for_all_wording", lazy("Words that all of them agreed to"),
                     [("", _("the file says it, or service@1")), *((each, each) for each in service)])  # fmt: skip
        if asks_for_basis(clinic):
            self._choice("for_all_basis", lazy("Health data of all may be kept because of"), BASES)

    def _choice(self, name: str, label: Any, choices: Any) -> None:
        self.fields[name] = forms.ChoiceField(label=label, choices=choices, required=False)

    def groups(self) -> list[tuple[Any, list[BoundField]]]:
        """The columns by what they are about."""
        return [(words, [self[column] for column in columns]) for words, columns in GROUPS]

    def for_all(self) -> list[BoundField]:
        """What holds for all rows."""
        return [self[name] for name in self.fields if name.startswith("for_all_")]

    def mapping(self) -> dict[str, str]:
        """Our columns and the file's."""
        return {column: self.cleaned_data[column] for column in COLUMNS}

    def defaults(self) -> dict[str, str]:
        """What was chosen for all rows."""
        chosen = {name.removeprefix("for_all_"): value for name, value in self.cleaned_data.items()
                  if name.startswith("for_all_")}  # fmt: skip
        return {name: value for name, value in chosen.items() if value}

    @property
    def faults(self) -> dict[str, str]:
        """From the names of the action's refusals to the fields."""
        return {f"map.{column}": column for column in COLUMNS} | {
            name: f"for_all_{name}" for name in ("protocol", "method", "wording", "basis")
        }


def _sample(head: str, cell: str) -> str:
    """The name of a column with what stands below it."""
    shown = " ".join(cell.split())[:30]
    return f"{head} ({shown})" if shown else head
