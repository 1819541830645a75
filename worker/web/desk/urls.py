"""The addresses of the desk; a name begins with the menu entry that it belongs to."""

from __future__ import annotations

from django.urls import path

from worker.web.desk import (
    client,
    client_acts,
    clients,
    clock,
    dossiers,
    enrol,
    operations,
    people,
    self_enrol,
    today,
    visits,
)

urlpatterns = [
    path("today", today.today, name="today"),
    path("tasks/<int:pk>/done", client_acts.task_done, name="today_task_done"),
    path("enrol", enrol.enrol_page, name="enrol"),
    path("enrol/preview", enrol.enrol_preview, name="enrol_preview"),
    path("enrol/self", self_enrol.show, name="enrol_self"),
    path("enrol/self/wait", self_enrol.wait, name="enrol_self_wait"),
    path("e/<str:token>", self_enrol.fill_in, name="own_enrolment"),
    path("clients", clients.clients, name="clients"),
    path("clients/<int:pk>", client.client, name="clients_client"),
    path("clients/<int:pk>/stop", client_acts.stop, name="clients_stop"),
    path("clients/<int:pk>/pause", client_acts.hold, name="clients_hold"),
    path("clients/<int:pk>/resume", client_acts.resume, name="clients_resume"),
    path("clients/<int:pk>/clock", clock.clock, name="clients_clock"),
    path("clients/<int:pk>/erase", client_acts.forget, name="clients_forget"),
    path("clients/<int:pk>/dossier", dossiers.dossier_page, name="clients_dossier"),
    path("clients/<int:pk>/visit", visits.book, name="clients_book"),
    path("clients/<int:pk>/session", visits.session, name="clients_session"),
    path("visits/<int:pk>/move", visits.move, name="clients_visit_move"),
    path("visits/<int:pk>/end/<str:how>", visits.end, name="clients_visit_end"),
    path("visits/<int:pk>/reopen", visits.reopen, name="clients_visit_reopen"),
    path("messages/<int:pk>", client.why, name="clients_why"),
    path("messages/<int:pk>/again", client_acts.again, name="clients_again"),
    path("operations", operations.operations, name="operations"),
    path("operations/pauses/<int:pk>", operations.resume, name="operations_resume"),
    path("people", people.people, name="people"),
    path("people/<int:pk>", people.person, name="people_person"),
    path("people/<int:pk>/access", people.person_access, name="people_access"),
]
