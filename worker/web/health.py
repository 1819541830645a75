"""Is it alive, is it ready, and how late is the oldest message: for containers and for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_not_required
from django.db import connection, transaction
from django.http import HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest

from worker import clock, exposition
from worker.reading.metrics import House
from worker.reading.schema import missing_migrations
from worker.web.unavailable import needs_database

if TYPE_CHECKING:
    from django.http import HttpRequest

FRESH = {"Cache-Control": "no-store"}


@login_not_required
@require_safe
@needs_database
def healthz(_request: HttpRequest) -> HttpResponse:
    """200 while this process lives and the database answers, else 503."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return _said("ok")


@login_not_required
@require_safe
@needs_database
def readyz(_request: HttpRequest) -> HttpResponse:
    """200 when every migration is applied and the database takes writes: only then can a STOP be kept (rule 33)."""
    if missing_migrations():
        return _said("migrations are missing: run `aftercare migrate`", status=503)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE aftercare_clinic SET revision = revision WHERE 1 = 0")  # refused by a read-only database
    return _said("ok")


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The house in Prometheus's text format: what the database and Redis say now, and what this part counted.

    403 for whoever may not read it; with Redis or the database away it answers all the same (P11).
    """
    peer, shown = request.META.get("REMOTE_ADDR", ""), request.headers.get("Authorization", "")
    if not exposition.may_read(authorization=shown, peer=peer):
        return _said(exposition.MEND.strip(), status=403)
    registry = CollectorRegistry()
    registry.register(House(clock.now()))
    body = generate_latest(registry) + exposition.counted()
    return HttpResponse(body, content_type=exposition.TYPE, headers=FRESH)


def _said(text: str, *, status: int = 200) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain", headers=FRESH)
