"""The index by which each clinic's oldest is found, so that one clinic's flood delays nobody."""

from django.db import migrations, models

from worker.migrations._quietly import AddIndexQuietly


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds an index beside running writers only outside a transaction

    dependencies = [("aftercare", "0010_unconfirmed")]

    operations = [
        AddIndexQuietly(
            model_name="ready",
            index=models.Index(fields=["channel", "clinic_id", "due_at"], name="ready_fair"),
        ),
    ]
