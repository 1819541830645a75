"""The one Django app of the house; its label is `aftercare`."""

from __future__ import annotations

from django.apps import AppConfig

from worker.rules.local_time import pin_zones


class Aftercare(AppConfig):
    """Everything that Django needs to know of us."""

    name = "worker"
    label = "aftercare"
    verbose_name = "Aftercare"

    def ready(self) -> None:
        """Zones come from the pinned tzdata package, whatever the host carries (rule 139)."""
        pin_zones()
