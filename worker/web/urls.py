"""Which address leads where. No address redirects, and a trailing slash makes another address (rule 101)."""

from __future__ import annotations

from django.urls import path

from worker.web import care, health, hooks, pages, unsubscribe

urlpatterns = [
    path("", pages.start),
    path("favicon.ico", pages.no_icon),
    path("u/<str:token>", unsubscribe.leave),
    path("c/<str:token>", care.care),
    path("hooks/twilio/inbound", hooks.twilio_inbound),
    path("hooks/twilio/status", hooks.twilio_status),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
]
