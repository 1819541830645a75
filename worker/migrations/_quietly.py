"""Migrations that the old code does not notice: what would lock a large table for minutes is done beside it."""

from __future__ import annotations

from typing import Any

from django.db import migrations


class AddIndexQuietly(migrations.AddIndex):
    """AddIndex, CONCURRENTLY where PostgreSQL can: STOPs and sends go on. Needs `atomic = False`.

    Interrupted, it leaves an invalid index of that name: drop it, and migrate again.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Build it."""
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        schema_editor.add_index(to_state.apps.get_model(app_label, self.model_name), self.index, concurrently=True)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Take it away."""
        if schema_editor.connection.vendor != "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            return
        schema_editor.remove_index(from_state.apps.get_model(app_label, self.model_name), self.index, concurrently=True)
