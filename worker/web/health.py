"""Is it alive, is it ready, and how late is the oldest message: for containers and for Prometheus."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

import django
from django.contrib.auth.decorators import login_not_required
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from worker import clock
from worker.reading.status import status
from worker.web.unavailable import needs_database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return _said("migrations are missing: run `aftercare migrate`", status=503)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE aftercare_clinic SET revision = revision WHERE 1 = 0")  # refused by a read-only database
    return _said("ok")


@login_not_required
@require_safe
@needs_database
def metrics(_request: HttpRequest) -> HttpResponse:
    """The house at a glance in Prometheus's text format; ages in seconds of calendar time, no label names a person."""
    body = "".join(_lines(status(now=clock.now())["channels"]))
    return HttpResponse(body, content_type="text/plain; version=0.0.4; charset=utf-8", headers=FRESH)


def _lines(channels: dict[str, dict[str, object]]) -> Iterator[str]:
    yield from _gauge("aftercare_build_info", "What runs here.", [(f'version="{_version()}",{_ground()}', 1)])
    backlog = [(f'channel="{name}"', said["due_now"]) for name, said in channels.items()]
    yield from _gauge("aftercare_due_backlog", "Messages due now and not decided, counted to 10,001.", backlog)
    ages = [(f'channel="{name}"', said["oldest_due_seconds"]) for name, said in channels.items()]
    yield from _gauge("aftercare_oldest_due_age_seconds", "How long the oldest due message has waited.", ages)


def _gauge(name: str, told: str, values: Iterable[tuple[str, object]]) -> Iterator[str]:
    yield f"# HELP {name} {told}\n# TYPE {name} gauge\n"
    for labels, value in values:
        yield f"{name}{{{labels}}} {value}\n"


@cache
def _version() -> str:
    try:
        return metadata.version("aftercare")
    except metadata.PackageNotFoundError:  # run from a bare checkout
        return "unknown"


def _ground() -> str:
    return f'python="{platform.python_version()}",django="{django.get_version()}",database="{connection.vendor}"'


def _said(text: str, *, status: int = 200) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain", headers=FRESH)
