"""What a visit or a session is typed into at the desk: its treatment, day and hour, on the clinic's clock."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from worker.dates import said_time
from worker.rules.local_time import instant, local, zone
from worker.web.desk.enrol_form import Day, Hour

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Client, Clinic, Treatment


# The very first and last days have hours that UTC has no name for; no action takes any so far off.
DAYS = (MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(2999, 12, 31)))


class WhenForm(forms.Form):
    """A day and an hour on the clinic's clock."""

    day = forms.DateField(label=lazy("Day"), widget=Day, validators=DAYS)
    hour = forms.TimeField(label=lazy("Hour"), widget=Hour)

    def moment(self, place: str) -> datetime:
        """The instant it names."""
        return instant(self.cleaned_data["day"], self.cleaned_data["hour"], zone(place))


class SessionForm(WhenForm):
    """A visit or session under a protocol."""

    protocol = forms.ChoiceField(label=lazy("Treatment"))
    field_order = ("protocol", "day", "hour")

    def __init__(self, data: Any, *, choices: list[tuple[str, str]], **options: Any) -> None:
        """`choices` are the approved protocols."""
        super().__init__(data, **options)
        field = self.fields["protocol"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices


class DoneForm(SessionForm):
    """A session that was done; a second one of a day is asked about: 10:31 after 10:30 may be the same one (P4)."""

    another = forms.BooleanField(label=lazy("This is another session"), required=False)

    def __init__(self, data: Any, *, client: Client, clinic: Clinic, **options: Any) -> None:
        """`client` is hers who had it; the day is one on the clock of `clinic`."""
        super().__init__(data, **options)
        self._client, self._clinic = client, clinic
        if data is None:
            self.fields.pop("another")

    def clean(self) -> dict[str, Any]:
        """Ask where another minute of that day has one under the same protocol; elsewhere there is nothing to tick."""
        super().clean()
        before = None if self.errors else self._earlier()
        if before is None:
            self.fields.pop("another")
        elif not self.cleaned_data["another"]:
            hour = said_time(before.performed_at, zone(self._clinic.zone), self._clinic.country)
            said = _(
                "She has a session at %(hour)s on that day already. Tick this if yours is another one; else go back."
            )
            self.add_error("another", said % {"hour": hour})
        return self.cleaned_data

    def _earlier(self) -> Treatment | None:
        """The first other one of that day; none for the very same minute, which is recorded once whatever is ticked."""
        place, at = zone(self._clinic.zone), self.moment(self._clinic.zone)
        rows = self._client.treatments.filter(
            version__protocol__code=self.cleaned_data["protocol"], voided_at__isnull=True
        )
        day = self.cleaned_data["day"]
        of_day = [each for each in rows.order_by("performed_at") if local(each.performed_at, place).date() == day]
        return None if any(each.performed_at == at for each in of_day) else next(iter(of_day), None)


def wall(at: datetime, place: str) -> dict[str, Any]:
    """A moment as `WhenForm` begins with it."""
    there = local(at, zone(place))
    return {"day": there.date(), "hour": there.time()}
