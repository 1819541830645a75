"""Every address the web part answers; the pages themselves live in worker/web."""

from __future__ import annotations

from worker.web.urls import urlpatterns

__all__ = ["urlpatterns"]
