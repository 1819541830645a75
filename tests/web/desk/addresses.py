"""Every address of the house, and for each that names a row an example of one clinic's row.

Whoever adds an address with a name in it adds a line here, or the isolation test fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.urls import URLPattern, get_resolver

from tests.builders import NOW
from worker.actions.consent.hold import pause
from worker.actions.converse.hear import heard
from worker.actions.imports.stage import stage
from worker.models import (
    Appointment,
    Client,
    Clinic,
    Conversation,
    ImportBatch,
    Message,
    Pause,
    Protocol,
    ProtocolVersion,
    Staff,
    StaffTask,
    Treatment,
)
from worker.models.hold import PauseScope
from worker.models.staff import Role

if TYPE_CHECKING:
    from django.db.models import Model

PUBLIC = (
    "", "favicon.ico", "u/", "c/", "y/", "hooks/", "e/", "api/", "healthz", "readyz", "metrics", "login", "logout",
    "inactive", "invitation/", "language", "account/password/forgotten", "account/code", "account/passkeys/sign-in",
)  # fmt: skip
"""What strangers may open: each says no, or shows nothing of anybody."""
OWN = ("account/", "sign-out-everywhere")
"""About whoever is signed in, whatever the role."""


def _paused(clinic: Clinic) -> Pause:
    """A pause of that clinic."""
    stands = Pause.objects.filter(scope=PauseScope.CLINIC, value=str(clinic.pk), ended_at__isnull=True).first()
    return stands or pause(scope=PauseScope.CLINIC, value=str(clinic.pk), why="tried", by="tests", now=NOW)


def _brought(clinic: Clinic) -> dict[str, Any]:
    """A file that somebody of that clinic brought."""
    there = ImportBatch.objects.filter(clinic=clinic).first()
    raw = b"external_id,given_name,mobile,consent_sms_aftercare\nC-1,Ann,(212) 555-0107,no\n"
    return {"pk": (there or stage(clinic=clinic, by=f"desk-only@{clinic.slug}.example", raw=raw, now=NOW)).pk}


def _spoken(clinic: Clinic) -> Conversation:
    """A conversation of that clinic."""
    client = Client.objects.filter(clinic=clinic).latest("pk")
    made = heard(clinic.pk, client_id=client.pk, row=client.contacts.get(channel="sms").standing, holds=False, now=NOW)
    assert made is not None
    return made


Example = Callable[[Clinic], dict[str, Any]]


def _row(model: type[Model], key: str = "pk", **more: Any) -> Example:
    """The newest row of that clinic."""
    return lambda clinic: {key: model._default_manager.filter(clinic=clinic).latest("pk").pk, **more}


EXAMPLES: dict[str, Example] = {
    **{
        f"clients_{name}": _row(Client)
        for name in (
            "client",
            "stop",
            "hold",
            "resume",
            "clock",
            "forget",
            "dossier",
            "book",
            "session",
        )
    },
    **{f"clients_visit_{name}": _row(Appointment) for name in ("move", "reopen")},
    "clients_visit_end": _row(Appointment, how="cancelled"),
    **{f"clients_session_{name}": _row(Treatment) for name in ("time", "void", "stand")},
    "clients_why": _row(Message),
    "clients_again": _row(Message),
    "today_task_done": _row(StaffTask),
    "inbox_talk": lambda clinic: {"pk": _spoken(clinic).pk},
    "inbox_act": lambda clinic: {"pk": _spoken(clinic).pk, "act": "take"},
    "inbox_write": _row(Client),
    "people_person": lambda clinic: {"pk": Staff.objects.filter(clinic=clinic, roles__role=Role.DESK).latest("pk").pk},
    "operations_resume": lambda clinic: {"pk": _paused(clinic).pk},
    **{
        f"protocols_{name}": _row(Protocol)
        for name in ("page", "changes", "correction", "preview", "approve", "withdraw", "adopt")
    },
    **{f"protocols_{name}": _row(Protocol, step="day-1") for name in ("step", "remove")},
    "protocols_recall": lambda clinic: {"pk": ProtocolVersion.objects.filter(protocol__clinic=clinic).latest("pk").pk},
    **{f"imports_{name}": _brought for name in ("file", "columns", "look", "confirm", "drop", "refused")},
    "people_access": lambda clinic: {"pk": Staff.objects.filter(clinic=clinic, roles__role=Role.DESK).latest("pk").pk},
}


@dataclass(frozen=True)
class Address:
    """One line of the url conf."""

    route: str
    name: str
    view: Any

    @property
    def is_public(self) -> bool:
        """True for what strangers may open."""
        return any(
            self.route == each if not each.endswith("/") else self.route.startswith(each) for each in PUBLIC
        ) or (self.route.startswith("account/password/forgotten"))

    @property
    def is_own(self) -> bool:
        """True for what is about whoever is signed in."""
        return self.route.startswith(OWN)

    @property
    def roles(self) -> frozenset[Role]:
        """Whose it is."""
        return getattr(self.view, "roles", frozenset())

    def named(self, clinic: Clinic) -> str:
        """The address, with a row of that clinic where it names one."""
        said = self.route
        if "<" not in said:
            return f"/{said}"
        for key, value in EXAMPLES[self.name](clinic).items():
            for kind in ("int", "str", "slug"):
                said = said.replace(f"<{kind}:{key}>", str(value))
        assert "<" not in said, f"{self.name}: the example does not fill in {said}"
        return f"/{said}"


def every() -> Iterator[Address]:
    """All of them, in order."""
    for pattern in get_resolver().url_patterns:
        assert isinstance(pattern, URLPattern), "keep the url conf flat: then nothing hides in it"
        yield Address(str(pattern.pattern), pattern.name or "", pattern.callback)


def of_the_desk() -> list[Address]:
    """Those that belong to roles."""
    return [each for each in every() if not each.is_public and not each.is_own]
