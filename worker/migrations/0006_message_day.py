"""The index that finds the messages of one day of a clinic, among all that it ever wrote."""

from django.db import migrations, models

from worker.migrations._quietly import AddIndexQuietly


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("aftercare", "0005_restore_checked")]

    operations = [
        AddIndexQuietly("message", models.Index(fields=["clinic", "due_at"], name="message_day")),
    ]
