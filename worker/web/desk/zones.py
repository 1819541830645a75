"""The clocks that a clinic's clients live by: those of its country first, every other one after."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from worker.rules.local_time import zone
from worker.rules.refusal import Refusal

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

    from worker.models import Clinic

NEAR = {
    "US": ("America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
           "America/Anchorage", "Pacific/Honolulu", "America/Puerto_Rico"),
    "CA": ("America/Halifax", "America/Toronto", "America/Winnipeg", "America/Edmonton", "America/Vancouver",
           "America/St_Johns"),
    "ES": ("Europe/Madrid", "Atlantic/Canary"),
    "AU": ("Australia/Sydney", "Australia/Brisbane", "Australia/Adelaide", "Australia/Darwin", "Australia/Perth"),
    "MX": ("America/Mexico_City", "America/Cancun", "America/Tijuana"),
}  # fmt: skip


def zone_choices(clinic: Clinic, *, may_be_unknown: bool = True) -> list[Any]:
    """The clinic's own first, then those nearby, none if that may be, then all."""
    near = [clinic.zone, *(each for each in NEAR.get(clinic.country, ()) if each != clinic.zone)]
    rest = [(name, _said(name)) for name in _places() if name not in near]
    unknown = ("", _("Not known: only when it is a fit hour wherever her number may be"))
    return [
        (_("Near"), [(name, _said(name)) for name in near]),
        *([(_("Nobody knows"), [unknown])] if may_be_unknown else []),
        (_("Elsewhere"), rest),
    ]


def _said(name: str) -> str:
    area, _slash, place = name.partition("/")
    return f"{place.replace('_', ' ').replace('/', ', ')} ({area})"


@cache
def _places() -> tuple[str, ...]:
    return tuple(sorted(name for name in available_timezones() if "/" in name and _lives(name)))


def _lives(name: str) -> bool:
    try:
        return zone(name).key == name
    except Refusal:
        return False


class Clocks(forms.Select):
    """A drop-down of some four hundred places, written at once: a template for each of them took most of the page."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:  # noqa: ARG002 - Django's own signature
        """The groups with their places; the chosen one is marked."""
        inner = format_html_join(
            "", '<optgroup label="{}">{}</optgroup>', ((word, _options(places, value)) for word, places in self.choices)
        )
        more = flatatt(self.build_attrs(self.attrs, {"name": name, **(attrs or {})}))
        return format_html("<select{}>{}</select>", more, inner)


def _options(places: Any, value: Any) -> SafeString:
    marked = ((name, mark_safe(" selected") if name == value else "", said) for name, said in places)
    return format_html_join("", '<option value="{}"{}>{}</option>', marked)
