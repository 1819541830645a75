"""An index on texts that a provider took and nobody confirmed: among millions that are done, a few."""

from django.db import migrations, models

from worker.migrations._quietly import AddIndexQuietly


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds an index beside running writers only outside a transaction

    dependencies = [("aftercare", "0009_doubts")]

    operations = [
        AddIndexQuietly(
            model_name="message",
            index=models.Index(
                condition=models.Q(("channel", "sms"), ("state", "accepted")),
                fields=["sent_at"],
                name="message_unconfirmed",
            ),
        ),
    ]
