"""The form of one step: its hours and its texts, language beside language, as its file would have them (P12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as lazy

from worker.intake.protocol_shape import FILE
from worker.rules.names import Channel
from worker.web.desk.protocol_first import FIRST
from worker.web.desk.protocol_words import IF_CLOSED, WHAT, language

if TYPE_CHECKING:
    from django.forms import BoundField

    from worker.intake.protocol_edit import Pages

LONGEST = 60_000  # characters; the longest text a person should have to approve is a tenth of it
TIMING = ("when", "until", "if_closed")
MOMENT = ("", ".days", ".at", ".hours", ".minutes")  # a moment as a whole, and each of its keys
PARTS = {
    "sms": (WHAT["sms text"], 5),
    "subject": (WHAT["email subject"], 0),
    "text": (WHAT["email text"], 14),
    "html": (WHAT["email html"], 14),
}


class StepForm(forms.Form):
    """One step of a draft; `version` is the number that was on the screen when somebody began to write."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    step = forms.SlugField(max_length=60, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, pages: Pages, step: str, version: int) -> None:
        """With the texts of the step as they stand; a course step can be moved as well."""
        super().__init__(data, initial={"version": version, "step": step})
        raw = pages.step(step)
        self.spoken: list[str] = pages.raw["languages"]
        self.channels: list[str] = raw["channels"]
        if raw["class"] == "course" and raw["kind"] != "correction":
            self._timing(raw)
        for code in self.spoken:
            for part, words in _texts(pages, step, code, self.channels).items():
                self._text(f"{part}.{code}", part, code, words or FIRST.get(code, FIRST["en"])[part])

    def _timing(self, raw: dict[str, Any]) -> None:
        for name, label in (("when", lazy("Goes at")), ("until", lazy("Is true until"))):
            widget = forms.TextInput({"aria-describedby": "how-hours"})
            self.fields[name] = forms.CharField(label=label, max_length=20, widget=widget)
            self.initial[name] = _written(raw[name])
        self.fields["if_closed"] = forms.ChoiceField(label=lazy("Where the hours leave no time"), choices=IF_CLOSED)
        self.initial["if_closed"] = raw["if_closed"]

    def _text(self, name: str, part: str, code: str, words: str) -> None:
        label, rows = PARTS[part]
        wide = {"rows": rows, "lang": code, "spellcheck": "true"}
        widget = forms.Textarea(wide) if rows else forms.TextInput({"lang": code})
        self.fields[name] = forms.CharField(label=label, max_length=LONGEST, strip=False, required=False, widget=widget)
        self.initial[name] = words

    @property
    def timing(self) -> list[BoundField]:
        """The fields that say when it goes; none for an answer to her own act."""
        return [self[name] for name in TIMING if name in self.fields]

    def columns(self) -> list[dict[str, Any]]:
        """The fields of each language, by part; a channel that the step has not has none."""
        return [
            {"code": code, "name": language(code)}
            | {part: self[f"{part}.{code}"] for part in PARTS if f"{part}.{code}" in self.fields}
            for code in self.spoken
        ]

    @property
    def faults(self) -> dict[str, str]:
        """From the files that a refusal names to the fields of this form."""
        step = self.initial["step"]
        found = {"version": ""} | {f"{step}.{name}": name for name in ("when", "until")}
        found |= {f"{FILE}.step.{step}.{name}{key}": name for name in ("when", "until") for key in MOMENT}
        for code in self.spoken:
            found |= {
                f"{step}.{code}.sms.txt": f"sms.{code}", f"{step}.{code}.sms": f"sms.{code}",
                f"{step}.{code}.email.txt": f"text.{code}", f"{step}.{code}.email": f"text.{code}",
                f"{step}.{code}.email.html": f"html.{code}",
            }  # fmt: skip
        return found

    def said(self, *, timed: bool = True) -> dict[str, str]:
        """What stands in the form now, sent or not, as the action takes it."""
        names = [name for name in self.fields if name not in ("version", "step") and (timed or name not in TIMING)]
        return {name: str(self[name].value() or "") for name in names}


def _texts(pages: Pages, step: str, code: str, channels: list[str]) -> dict[str, str]:
    """What the files of one language say; "" for one that is still to be written."""
    found: dict[str, str] = {}
    if Channel.SMS in channels:
        found["sms"] = pages.files.get(f"{step}.{code}.sms.txt", "").strip()
    if Channel.EMAIL in channels:
        head, _, body = pages.files.get(f"{step}.{code}.email.txt", "").partition("\n\n")
        found |= {"subject": head.removeprefix("Subject: "), "text": body}
        found["html"] = pages.files.get(f"{step}.{code}.email.html", "")
    return found


def _written(when: dict[str, Any]) -> str:
    """The keys of a moment as the form takes them."""
    if "at" in when:
        return f"{when['days']} {when['at']}"
    return f"{when.get('hours', 0)}:{when.get('minutes', 0):02}"
