"""Metrics for whoever may read them: backlog and failures of clinics are nobody else's business (P9, P10)."""

from __future__ import annotations

import hmac
import ipaddress
import os
from typing import TYPE_CHECKING, Any

from django.conf import settings
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TYPE = "text/plain; version=0.0.4; charset=utf-8"
MEND = "Metrics are for the monitoring alone: send METRICS_TOKEN as `Authorization: Bearer ...`.\n"


def may_read(*, authorization: str, peer: str) -> bool:
    """True for whoever shows METRICS_TOKEN; without one, for this machine alone, and only where we face no world.

    Behind a proxy every peer is this machine, so an https PUBLIC_URL asks for the token always.
    """
    if settings.METRICS_TOKEN:
        return hmac.compare_digest(authorization.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    return not settings.PUBLIC_URL.startswith("https://") and _is_loopback(peer)


def _is_loopback(peer: str) -> bool:
    try:
        return ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return peer == ""  # a socket file of this machine


def counted() -> bytes:
    """What this part's processes counted, in Prometheus's text format; of several processes, the sum."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # the package ships no type for it
    return generate_latest(registry)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """A worker's own /metrics, as WSGI: it needs no database, so that it answers when nothing else does."""
    if environ.get("PATH_INFO") != "/metrics":
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"Only /metrics is here.\n"]
    authorization, peer = environ.get("HTTP_AUTHORIZATION", ""), environ.get("REMOTE_ADDR", "-")
    if not may_read(authorization=authorization, peer=peer):
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [MEND.encode()]
    start_response("200 OK", [("Content-Type", TYPE), ("Cache-Control", "no-store")])
    return [counted()]
