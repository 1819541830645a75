"""What the old code would trip over while it still runs beside a migration that is done (docs/operate.md).

An allow-list: every operation is refused unless it is known that the old code does not notice it. What a person has
looked at stands in the migration, with the reason: SAFE_BECAUSE = {"RunPython make_cache_table": "..."}.

Why not a library: django-migration-linter 6.0 (January 2026, Django 3.2 to 6.0, kept up) is a deny-list of seven
patterns over the SQL of one database. It knows no constraint, no foreign key and no operation within another, and takes
whatever it does not know; django-pg-zero-downtime-migrations 0.20 is a backend that runs migrations otherwise, judges
locks alone, and would carry every query of production.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations, models
from django.db.models import NOT_PROVIDED
from django.db.models.expressions import Value

from worker.migrations._quietly import AddIndexQuietly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.db.migrations.operations.base import Operation
    from django.db.migrations.state import ProjectState

LEAST_REASON = 20  # characters: a sentence
# What a database does not see of a field, as Django itself reckons (BaseDatabaseSchemaEditor._field_should_be_altered).
UNSEEN = {
    "blank", "choices", "default", "editable", "error_messages", "help_text", "limit_choices_to", "on_delete",
    "related_name", "related_query_name", "validators", "verbose_name",
}  # fmt: skip
MENDS = {
    migrations.RemoveField: "the old code still asks for it; remove it one release after its last user",
    migrations.RemoveIndex: "the old code may search by it; remove it one release after its last user",
    migrations.RemoveConstraint: "the old code may lean on it (ON CONFLICT); remove it one release after its last user",
    migrations.AddConstraint: "the old code may write rows that break it, and it is checked under a lock",
    migrations.AddIndex: "locks the table while it is built; use AddIndexQuietly",
    migrations.RunPython: "nobody knows what it does; look, and say in SAFE_BECAUSE why it is harmless",
    migrations.RunSQL: "nobody knows what it does; look, and say in SAFE_BECAUSE why it is harmless",
}
MENDS |= dict.fromkeys(
    (migrations.DeleteModel, migrations.RenameField, migrations.RenameModel, migrations.AlterModelTable),
    MENDS[migrations.RemoveField],
)


def faults(migration: migrations.Migration, before: ProjectState) -> Iterator[str]:
    """Each operation that may break the code before it, or lock a large table; a sentence each.

    `before` is how the models stand before it.
    """
    flat = list(_flat(migration.operations))
    new = {each.name.lower() for each in flat if type(each) is migrations.CreateModel}
    marks = dict(getattr(migration, "SAFE_BECAUSE", {}))
    for each in flat:
        why = _fault(each, new, before)
        if why and len(marks.pop(_named(each), "")) < LEAST_REASON:
            yield f"{_named(each)}: {why}"
    yield from (f"SAFE_BECAUSE names {left!r}, which needs no excuse" for left in marks)
    if migration.atomic and any(isinstance(each, AddIndexQuietly) for each in flat):
        yield "AddIndexQuietly needs atomic = False"


def _flat(operations: Iterable[Operation]) -> Iterator[Operation]:
    """What changes the database, out of SeparateDatabaseAndState as well; what only Django is told changes nothing."""
    for each in operations:
        if type(each) is migrations.SeparateDatabaseAndState:
            yield from _flat(each.database_operations)
        else:
            yield each


def _named(each: Operation) -> str:
    """As SAFE_BECAUSE names it: RunPython make_cache_table, AddField message.weight."""
    said: Any = each
    if type(each) is migrations.RunPython:
        return f"RunPython {said.code.__name__}"
    model = getattr(said, "model_name", "")
    index = getattr(said, "index", None) or getattr(said, "constraint", None)
    name = getattr(index, "name", "") or getattr(said, "name", "")
    return f"{type(each).__name__} {'.'.join(filter(None, (model, name)))}"


def _fault(each: Operation, new: set[str], before: ProjectState) -> str:
    said: Any = each
    whose = getattr(said, "model_name", getattr(said, "name", None) if hasattr(said, "option_name") else None)
    if isinstance(whose, str) and whose.lower() in new:
        return ""  # no old code knows that table
    judge = SAFE.get(type(each))
    return (
        judge(said, before) if judge else MENDS.get(type(each), "not known to be safe; see tests/house/migrations.py")
    )


def _never(_each: Any, _before: ProjectState) -> str:
    return ""


def _added(each: Any, _before: ProjectState) -> str:
    """A column that old inserts may leave out, that is filled without rewriting, and that brings no index along."""
    field = each.field
    if field.many_to_many:
        return "" if field.db_constraint is False else "its table's foreign keys are checked under a lock on this one"
    if field.remote_field is not None:
        return "the foreign key is checked, and its index built, under a lock; add a number, then the index quietly"
    if field.unique or field.db_index:
        return "its index is built under a lock; add the column, then AddIndexQuietly"
    if isinstance(field, models.GeneratedField):
        return "every row is written anew under a lock"
    if field.db_default is not NOT_PROVIDED:
        constant = isinstance(field.db_default, Value) or not hasattr(field.db_default, "resolve_expression")
        return "" if constant else "a default that is reckoned writes every row anew under a lock"
    return "" if field.null else "the old code inserts rows without it; let it be null, or give it a db_default"


def _altered(each: Any, before: ProjectState) -> str:
    """Only what no database sees, more room, and an empty value allowed."""
    model = before.models.get(("aftercare", each.model_name.lower()))
    old = model.fields.get(each.name) if model else None
    if old is None:
        return "no such field before it"
    (kind, was), (_, now) = _seen(old), _seen(each.field)
    was_null, now_null = was.pop("null", False), now.pop("null", False)
    if was_null and not now_null:
        return "the old code may leave it empty, and every row is read under a lock"
    room, more = was.pop("max_length", None), now.pop("max_length", None)
    text = kind == "CharField" and type(each.field) in {models.CharField, models.TextField}
    if type(each.field) is not type(old) and not (text and type(each.field) is models.TextField):
        return "another type writes every row anew, and the old code writes the old one"
    if type(each.field) is type(old) and (room, more) != (None, None) and (not text or more < room):
        return "the old code writes longer ones"
    if "db_default" in now and "db_default" not in was:
        del now["db_default"]
    return "" if was == now else f"changes what the database keeps: {sorted(was.items() ^ now.items())}"


def _seen(field: models.Field) -> tuple[str, dict[str, Any]]:
    _, path, _, options = field.deconstruct()
    kept = {name: repr(value) if name not in {"null", "max_length"} else value for name, value in options.items()}
    return path.rpartition(".")[2], {name: value for name, value in kept.items() if name not in UNSEEN}


SAFE: dict[type, Callable[[Any, Any], str]] = {
    migrations.CreateModel: _never,
    migrations.AddField: _added,
    migrations.AlterField: _altered,
    migrations.AlterModelOptions: _never,
    migrations.AlterModelManagers: _never,
    AddIndexQuietly: _never,
}
