"""The ledger, the audit record and the protocol versions can be added to, never changed."""

from django.db import migrations

from worker.models import append_only


def guard(_apps, editor):
    append_only.install(editor.connection)


def unguard(_apps, editor):
    append_only.remove(editor.connection)


class Migration(migrations.Migration):
    SAFE_BECAUSE = {"RunPython guard": "no release was made before it, so no old code runs beside it"}

    dependencies = [("aftercare", "0001_the_house")]
    operations = [migrations.RunPython(guard, unguard)]
