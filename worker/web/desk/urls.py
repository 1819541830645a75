"""The addresses of the desk; a name begins with the menu entry that it belongs to."""

from __future__ import annotations

from django.urls import path

from worker.web.desk import operations, people, today

urlpatterns = [
    path("today", today.today, name="today"),
    path("operations", operations.operations, name="operations"),
    path("operations/pauses/<int:pk>", operations.resume, name="operations_resume"),
    path("people", people.people, name="people"),
    path("people/<int:pk>", people.person, name="people_person"),
    path("people/<int:pk>/access", people.person_access, name="people_access"),
]
