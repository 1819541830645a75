"""Template tags of the desk."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import qrcode
from django import template
from django.utils.html import format_html
from django.utils.translation import gettext as _

from worker import dates
from worker.rules.local_time import local, zone
from worker.web import refusal_words

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

register = template.Library()
QUIET = 4  # modules of white around a code (ISO/IEC 18004)


@register.simple_tag
def qr(said: str) -> SafeString:
    """A QR code as inline SVG: an image from a data address would need a hole in the policy."""
    code = qrcode.QRCode(border=0, error_correction=qrcode.ERROR_CORRECT_M)
    code.add_data(said)
    code.make(fit=True)
    rows = code.get_matrix()
    path = "".join(
        f"M{x + QUIET} {y + QUIET}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
    )
    side = len(rows) + 2 * QUIET
    return format_html(
        '<svg viewBox="0 0 {0} {0}" role="img" aria-label="{2}" shape-rendering="crispEdges">'
        '<path class="light" d="M0 0h{0}v{0}H0z"/><path class="dark" d="{1}"/></svg>',
        side,
        path,
        _("QR code"),
    )


@register.simple_tag(takes_context=True)
def day(context: template.Context, at: datetime, zone_name: str) -> str:
    """A date in a zone, with its weekday, in the language of the interface."""
    return dates.said_date(at, zone(zone_name), _language(context))


@register.simple_tag(takes_context=True)
def clock_time(context: template.Context, at: datetime, zone_name: str) -> str:
    """A time of day in a zone, as the clinic's country writes it."""
    user = context["request"].user
    return dates.said_time(at, zone(zone_name), user.clinic.country)


@register.filter
def iso(at: datetime, zone_name: str) -> str:
    """A moment for the datetime attribute, on the clock of a zone."""
    return local(at, zone(zone_name)).isoformat(timespec="minutes")


@register.filter
def moment(at: str, zone_name: str) -> str:
    """A recorded moment (ISO) to the second, on the clock of a zone."""
    return f"{local(datetime.fromisoformat(at), zone(zone_name)):%Y-%m-%d %H:%M:%S}"


@register.filter
def lasting(seconds: float | None) -> str:
    """How long something takes or is ago, as short as it can be read; a dash where it never was."""
    if seconds is None:
        return "\N{EN DASH}"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:  # two hours read better as hours than as minutes, and so on
            return f"{int(seconds) // length} {unit}"
    return f"{seconds:.0f} s"


@register.filter
def told(words: str) -> str:
    """A reason or a refusal, as the rules say it in English, in the language of the interface."""
    return refusal_words.told(words)


@register.simple_tag
def signature(strokes: list[list[list[int]]]) -> SafeString:
    """What somebody drew on the screen, as lines; whatever is no number is left out."""
    lines = ["M" + "L".join(f"{int(x)} {int(y) * 26 // 90}" for x, y in stroke) for stroke in strokes if stroke]
    return format_html(
        '<svg viewBox="0 0 1000 289" role="img" aria-label="{}"><path d="{}"/></svg>', _("signature"), "".join(lines)
    )


def _language(context: template.Context) -> str:
    return str(getattr(context["request"], "LANGUAGE_CODE", "en"))[:2]
