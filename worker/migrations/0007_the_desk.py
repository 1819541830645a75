"""Staff sign in: sessions that end everywhere, and a table for what sign-in counts (Redis may be away)."""

from django.core.management import call_command
from django.db import migrations, models


def make_cache_table(_apps, schema_editor):
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("aftercare", "0006_visits_told")]

    operations = [
        migrations.AddField(
            model_name="staff", name="sign_outs", field=models.PositiveIntegerField(default=0)
        ),
        migrations.RunPython(make_cache_table, migrations.RunPython.noop),
    ]
