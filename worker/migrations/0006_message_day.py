"""The index that finds the messages of one day of a clinic that are not planned any more, among all that it ever wrote."""

from django.db import migrations, models

from worker.migrations._quietly import AddIndexQuietly


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("aftercare", "0005_restore_checked")]

    operations = [
        AddIndexQuietly(
            "message",
            models.Index(fields=["clinic", "due_at"], condition=~models.Q(state="planned"), name="message_day"),
        ),
    ]
