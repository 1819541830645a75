"""A table for what sign-in counts: Redis may be away."""

from django.core.management import call_command
from django.db import migrations


def make_cache_table(_apps, schema_editor):
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    SAFE_BECAUSE = {"RunPython make_cache_table": "a new table, which the old code does not ask for"}

    dependencies = [("aftercare", "0003_room_to_change")]

    operations = [migrations.RunPython(make_cache_table, migrations.RunPython.noop)]
