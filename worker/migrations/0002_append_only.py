"""The ledger, the audit record and the protocol versions can be added to, never changed."""

from django.db import migrations

from worker.models import append_only


class Migration(migrations.Migration):
    dependencies = [("aftercare", "0001_the_house")]
    operations = [
        migrations.RunPython(
            lambda apps, editor: append_only.install(editor.connection),
            lambda apps, editor: append_only.remove(editor.connection),
        )
    ]
