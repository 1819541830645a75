"""How long the desk's pages take with 200,000 clients and 3 million messages, on PostgreSQL: server time and queries.

Real rows of a few clients are multiplied inside the database (every column as enrolment and sending left it); then the
pages are asked through Django's whole chain of middleware, in one process, each a few hundred times in turn.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench import ground
from tests.postgres import PrivatePostgres

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Model

CLIENTS, MESSAGES_EACH = 200_000, 15
FIRST = 1_000_000  # ids of the multiplied rows begin here
ROUNDS = 200
MOST_MS, MOST_QUERIES = 100.0, 12
FOUND = 302


@dataclass(frozen=True, slots=True)
class Page:
    """One page: milliseconds of each request, and the queries of one.

    An act answers by leading to a page. Its statements are told and not limited: a press that enrols writes client,
    consents, treatment, messages and their records, each in a statement of its own, in one transaction.
    """

    name: str
    times: list[float]
    queries: int
    act: bool

    @property
    def p95(self) -> float:
        """Milliseconds that 95 of 100 requests keep within."""
        return statistics.quantiles(self.times, n=20)[-1]

    @property
    def good(self) -> bool:
        """Within what is required."""
        return self.p95 < MOST_MS and (self.act or self.queries <= MOST_QUERIES)


def main(clients: int = CLIENTS) -> int:
    """Fill, measure, print; 0 when each page keeps within 100 ms and 12 queries, and each act within 100 ms, else 1."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aftercare-bench-desk-")))
        postgres = stack.enter_context(PrivatePostgres())
        postgres.create("desk")
        own = {"DATABASE_URL": postgres.url("desk"), "AFTERCARE_HOME": str(folder / "home"),
               "PUBLIC_URL": "http://127.0.0.1:8000", "LOG_LEVEL": "ERROR", "SECOND_FACTOR_FOR": "nobody",
               "DJANGO_SETTINGS_MODULE": "config.settings"}  # fmt: skip
        os.environ.update(own | dict(ground.keys()))
        import django

        django.setup()
        began = time.monotonic()
        browser = _fill(clients)
        print(f"{clients:,} clients, {clients * MESSAGES_EACH:,} messages   filled in {time.monotonic() - began:.0f} s")
        pages = [_measured(name, ask) for name, ask in _pages(browser, clients)]
        _print(pages)
        from django.db import connection

        connection.close()
    return 0 if all(page.good for page in pages) else 1


def _fill(clients: int) -> Any:
    """Lakeside with its crowd, and Sam's browser."""
    from datetime import UTC, datetime, timedelta

    from django.core.management import call_command
    from django.test import Client as Browser

    from tests.processes import people
    from worker.actions.clients.enrol import enrol
    from worker.actions.protocols.approve import approve, the_protocol
    from worker.actions.protocols.load import load
    from worker.intake.client import ClientFile
    from worker.intake.clinic import ClinicFile
    from worker.intake.shape import checked, read_toml
    from worker.models import Staff

    call_command("migrate", verbosity=0)
    now = datetime.now(UTC)
    load(checked(ClinicFile, read_toml(people.DEMO / "lakeside.toml")), beside=people.DEMO, by="bench", now=now)
    approve(protocol=the_protocol(people.PROTOCOL, clinic_slug="lakeside"), by=people.OKAFOR, now=now)
    form = people.form(now, number=1, session=timedelta(days=35))
    _multiply_all(enrol(checked(ClientFile, form), now=now).client, clients)
    browser = Browser(SERVER_NAME="127.0.0.1")
    browser.force_login(Staff.objects.get(email=people.SAM), backend="worker.web.signin.backend.StaffBackend")
    return browser


def _multiply_all(alice: Any, clients: int) -> None:
    """Alice, many times: a thousand treated each day of the last 200, her messages before and after now."""
    from django.db import connection

    from worker.models import Attempt, Client, ClientSearch, Contact, Grant, Link, Message, Standing, Step, Treatment

    day = f"now() - make_interval(days => (g % {max(1, clients // 1000)})::int, mins => (g % 600)::int)"
    new = f"{FIRST} + g"
    contact = Contact.objects.get(client=alice, channel="sms")
    _multiply(Client, alice.pk, clients, id=new, external_id="'b' || g", created_at=day)
    _multiply(
        Standing, contact.standing_id, clients, id=new, fingerprint="sha256(('s' || g)::bytea)",
    )  # fmt: skip
    _multiply(Contact, contact.pk, clients, id=new, client_id=new, standing_id=new, link_key=f"{FIRST}000000 + g")
    for at, purpose in enumerate(("aftercare", "reminders")):
        grant = Grant.objects.get(client=alice, standing=contact.standing_id, purpose=purpose)
        _multiply(Grant, grant.pk, clients, id=f"{FIRST} + g * 2 + {at}", client_id=new, standing_id=new)
    link = Link.objects.get(client=alice)
    _multiply(Link, link.pk, clients, id=new, client_id=new, key=f"{FIRST}000000000 + g")
    treatment = alice.treatments.get()
    _multiply(Treatment, treatment.pk, clients, id=new, client_id=new, external_id="'t' || g", performed_at=day)
    for hashed in ClientSearch.objects.filter(client=alice):
        own = {} if hashed.kind == "name" else {"digest": f"sha256(('{hashed.kind}' || g)::bytea)"}
        _multiply(ClientSearch, hashed.pk, clients, id=f"{FIRST} * ({hashed.pk} + 1) + g", client_id=new, **own)
    steps = list(Step.objects.filter(version=treatment.version, cls="course").order_by("ordinal")[:MESSAGES_EACH])
    message = Message.objects.filter(client=alice, channel="sms", cls="course").first()
    assert message is not None
    for at in range(MESSAGES_EACH):
        due = f"{day} + make_interval(days => {at * 3}, hours => 3)"
        number = f"{FIRST} * ({at} + 2) + g"
        _multiply(
            Message, message.pk, clients, id=number, client_id=new, contact_id=new, standing_id=new, care_id=new,
            treatment_id=new, step_id=str(steps[at % len(steps)].pk), occasion=f"'b' || g || ':{at}'", due_at=due,
            expires_at=f"{due} + interval '9 days'", created_at=f"{day} - interval '1 hour'",
            state=f"CASE WHEN {due} < now() THEN 'delivered' ELSE 'planned' END", reason="''",
            sent_at=f"CASE WHEN {due} < now() THEN {due} END",
        )  # fmt: skip
    _attempts(Attempt, message, contact, clients)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _attempts(model: type[Model], message: Any, contact: Any, clients: int) -> None:
    """The texts as sent, for every client's first two messages."""
    import uuid
    from datetime import UTC, datetime

    from worker import sealed

    said = sealed.spoken({"subject": "", "text": "Lakeside: your notes are here. Reply STOP to end."})
    body = sealed.seal(said, "attempt.body")
    now = datetime.now(UTC)
    first = model.objects.create(  # type: ignore[attr-defined] # a model class
        id=uuid.uuid4(), message=message, clinic_id=message.clinic_id, standing_id=contact.standing_id, channel="sms",
        cls="course", state="accepted", worker="bench", decided_at=now, lease_until=now, body_sealed=body,
        body_sha256="0" * 64, provider_id="SM0",
    )  # fmt: skip
    for at in range(2):
        _multiply(
            model, first.pk, clients, id="gen_random_uuid()", message_id=f"{FIRST} * ({at} + 2) + g",
            standing_id=f"{FIRST} + g", provider_id=f"'SM' || g || '-{at}'",
        )  # fmt: skip


def _multiply(model: type[Model], pk: object, many: int, **columns: str) -> None:
    """One row, `many` times, with some columns written anew; `g` counts from 1."""
    from django.db import connection

    table, names = model._meta.db_table, [field.column for field in model._meta.concrete_fields]
    said = ", ".join(columns.get(name, f't."{name}"') for name in names)
    listed = ", ".join(f'"{name}"' for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ({listed}) SELECT {said} FROM generate_series(1, {many:d}) g, '
            f"\"{table}\" t WHERE t.id = '{pk}'"
        )


def _pages(browser: Any, clients: int) -> list[tuple[str, Callable[[int], Any]]]:
    form = {"name": "Carla Ruiz", "phone": "(212) 555-0142", "language": "en", "zone": "America/New_York",
            "protocol": "microneedling-stretch-marks", "agree_sms_aftercare": "on", "agree_sms_reminders": "on",
            "method": "paper", "external_id": "desk-bench", "practitioner": ""}  # fmt: skip
    from worker import clock
    from worker.rules.local_time import local, zone

    wall = local(clock.now(), zone("America/New_York"))
    form |= {"treated_day": f"{wall:%Y-%m-%d}", "treated_time": "00:01"}
    return [
        ("today", lambda _at: browser.get("/today")),
        ("search, a common name", lambda _at: browser.post("/clients", {"who": "alice moreau"})),
        ("search, a phone's end", lambda at: browser.post("/clients", {"who": f"{at % 10_000:04}"})),
        ("a client's page", lambda at: browser.get(f"/clients/{FIRST + 1 + at * 997 % clients}")),
        ("enrol, the page", lambda _at: browser.get("/enrol")),
        ("enrol, the preview", lambda _at: browser.post("/enrol/preview", form)),
        ("enrol, the press", lambda at: browser.post("/enrol", _another(form, at))),
    ]


def _another(form: dict[str, str], at: int) -> dict[str, str]:
    """The form of somebody else."""
    return {**form, "external_id": f"desk-bench-{at}", "phone": f"(212) 555-01{at % 100:02}", "another": "on"}


def _measured(name: str, ask: Callable[[int], Any]) -> Page:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    answer = ask(0)
    assert answer.status_code in (200, 302), (name, answer.status_code)
    times = []
    for at in range(1, ROUNDS + 1):
        began = time.perf_counter()
        ask(at)
        times.append((time.perf_counter() - began) * 1000)
    with CaptureQueriesContext(connection) as seen:
        ask(ROUNDS + 1)
    own = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    queries = len([each for each in seen.captured_queries if not each["sql"].startswith(own)])
    return Page(name, times, queries, act=answer.status_code == FOUND)


def _print(pages: list[Page]) -> None:
    print(f"{'page':24} {'p50 ms':>8} {'p95 ms':>8} {'queries':>8}")
    for page in pages:
        mark = ("   an act" if page.act else "") if page.good else "   TOO MUCH"
        print(f"{page.name:24} {statistics.median(page.times):8.1f} {page.p95:8.1f} {page.queries:8}{mark}")
