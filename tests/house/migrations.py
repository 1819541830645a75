"""What the old code would trip over while it still runs beside a migration that is done (docs/operate.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import migrations, models
from django.db.models import NOT_PROVIDED

from worker.migrations._quietly import AddIndexQuietly

if TYPE_CHECKING:
    from collections.abc import Iterator

REMOVES = (migrations.RemoveField, migrations.DeleteModel, migrations.RenameField, migrations.RenameModel)
REMOVES += (migrations.AlterModelTable,)


def faults(migration: migrations.Migration) -> Iterator[str]:
    """Each operation that breaks the code before it, or that locks a large table; a sentence each."""
    new = {each.name.lower() for each in migration.operations if isinstance(each, migrations.CreateModel)}
    for each in migration.operations:
        named = f"{type(each).__name__} {getattr(each, 'model_name', getattr(each, 'name', ''))}"
        own = getattr(each, "model_name", "").lower() in new
        if isinstance(each, REMOVES):
            yield f"{named}: the old code still asks for it; remove it one release after its last user"
        elif isinstance(each, migrations.AddField) and not own and not _may_be_left_out(each.field):
            yield f"{named}.{each.name}: the old code inserts rows without it; let it be null, or give it a db_default"
        elif isinstance(each, migrations.AlterField) and not _may_be_left_out(each.field):
            yield f"{named}.{each.name}: the old code may leave it empty; give it a db_default first"
        elif isinstance(each, migrations.AddIndex) and not own and not isinstance(each, AddIndexQuietly):
            yield f"{named}: locks the table while it is built; use AddIndexQuietly"
        elif isinstance(each, migrations.RunSQL):
            yield f"{named}: SQL can't be judged here; write an operation, or a RunPython that says what it does"
    quiet = any(isinstance(each, AddIndexQuietly) for each in migration.operations)
    if quiet and migration.atomic:
        yield "AddIndexQuietly needs atomic = False"


def _may_be_left_out(field: models.Field) -> bool:
    return field.null or field.db_default is not NOT_PROVIDED or field.many_to_many
