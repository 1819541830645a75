"""Which address leads where. No address redirects, and a trailing slash makes another address (rule 101)."""

from __future__ import annotations

from django.urls import path

from worker.web import api, care, care_answers, care_calendar, confirm, email_hooks, health, hooks, pages, unsubscribe
from worker.web.desk import urls as desk
from worker.web.signin import urls as signin

urlpatterns = [
    path("", pages.start),
    path("favicon.ico", pages.no_icon),
    path("u/<str:token>", unsubscribe.leave),
    path("c/<str:token>.ics", care_calendar.calendar),
    path("c/<str:token>", care.care),
    path("c/<str:token>/answers", care_answers.answers),
    path("y/<str:token>", confirm.confirm),
    path("hooks/twilio/inbound", hooks.twilio_inbound),
    path("hooks/twilio/status", hooks.twilio_status),
    path("hooks/email/<str:provider>/events", email_hooks.events),
    path("hooks/email/<str:provider>/inbound", email_hooks.inbound),
    path("api/v1/appointments/<str:source>/<path:external_id>", api.appointment),
    path("api/v1/feeds/<str:source>", api.heartbeat),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    *signin.urlpatterns,
    *desk.urlpatterns,
]
