"""One step as its readers would get it: the longest names, the parts of an SMS, what the rules of wording say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from worker.intake.expressions import expression_faults
from worker.intake.protocol import step_faults
from worker.intake.wording import MOST_SEGMENTS, WORST_CASE
from worker.rendering import HTML, PLAIN
from worker.rules.lint import lint_links
from worker.rules.reading_level import Ease, ease
from worker.rules.refusal import Refusal
from worker.rules.text import GSM7_BASIC, GSM7_EXTENSION, Segments, segments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jinja2.sandbox import SandboxedEnvironment

    from worker.intake.protocol_edit import Pages
    from worker.models import Clinic

FOREIGN = frozenset(GSM7_BASIC + GSM7_EXTENSION)


class Phone(NamedTuple):
    """An SMS: its words with the longest values, what it costs, and the letters that double its price."""

    text: str
    cost: Segments
    foreign: str
    too_long: bool


class Letter(NamedTuple):
    """A mail: subject, both parts, and how easily the words read."""

    subject: str
    text: str
    html: str
    ease: Ease | None


class Spoken(NamedTuple):
    """One language of a step; a text that can't be made is None, and the faults say why."""

    language: str
    phone: Phone | None
    letter: Letter | None
    faults: tuple[Refusal, ...]


def preview(pages: Pages, code: str, clinic: Clinic, *, hosts: Iterable[str]) -> tuple[list[Spoken], list[Refusal]]:
    """Each language of one step side by side, and the faults of its frame. Raises Refusals for an unknown step."""
    step, faults = pages.step(code), step_faults(pages.raw, pages.files, code)
    spoken = [
        _spoken(pages, f"{code}.{each}", each, step["channels"], clinic, hosts) for each in pages.raw["languages"]
    ]
    stems = tuple(f"{code}.{language}." for language in pages.raw["languages"])
    made = [each._replace(faults=_here(each, code, faults)) for each in spoken]
    return made, [fault for fault in faults if not fault.field.startswith(stems)]


def _here(each: Spoken, code: str, faults: list[Refusal]) -> tuple[Refusal, ...]:
    own = [fault for fault in faults if fault.field.startswith(f"{code}.{each.language}.")]
    return tuple(dict.fromkeys([*own, *each.faults]))


def _spoken(
    pages: Pages, stem: str, language: str, channels: list[str], clinic: Clinic, hosts: Iterable[str]
) -> Spoken:
    texts = {name: text for name, text in pages.files.items() if name.startswith(f"{stem}.")}
    links = tuple(
        Refusal(finding.where, finding.message, "lead to the care page, or to the clinic's own site")
        for name, text in texts.items()
        for finding in lint_links(text, name, own_hosts=list(hosts))
    )
    phone = _phone(texts.get(f"{stem}.sms.txt"), clinic) if "sms" in channels else None
    letter = _letter(texts, stem, language, clinic) if "email" in channels else None
    return Spoken(language, phone, letter, links)


def _phone(text: str | None, clinic: Clinic) -> Phone | None:
    said = _made(PLAIN, text, clinic)
    if said is None:
        return None
    cost = segments(said)
    foreign = "".join(sorted(set(said) - FOREIGN))
    return Phone(said, cost, foreign, cost.parts > MOST_SEGMENTS)


def _letter(texts: dict[str, str], stem: str, language: str, clinic: Clinic) -> Letter | None:
    plain = _made(PLAIN, texts.get(f"{stem}.email.txt"), clinic)
    if plain is None:
        return None
    subject, _, body = plain.partition("\n\n")
    html = _made(HTML, texts.get(f"{stem}.email.html"), clinic) or ""
    return Letter(subject.removeprefix("Subject: "), body, html, ease(body.partition("\n--\n")[0], language))


def _made(environment: SandboxedEnvironment, text: str | None, clinic: Clinic) -> str | None:
    """The text with the longest names, this clinic's own name and number; None where the rules refuse what it says.

    Nothing refused is worked out: `{{ 9**9**9 }}` would keep a web process busy at each pause of whoever types.
    """
    if text is None or any(expression_faults(text, frozenset(WORST_CASE), "")):
        return None
    own = {"clinic_name": clinic.name, "clinic_phone": clinic.phone, "clinic_address": clinic.postal_address}
    try:
        return environment.from_string(text).render(WORST_CASE | own).strip()
    except Exception:  # noqa: BLE001 - whatever the rules overlooked: the page has to stand and say the faults it knows
        return None
