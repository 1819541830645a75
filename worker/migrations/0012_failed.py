"""An index on what did not reach a client: among millions that did, a few."""

from django.db import migrations, models

from worker.migrations._quietly import AddIndexQuietly


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds an index beside running writers only outside a transaction

    dependencies = [("aftercare", "0011_fair_claims")]

    operations = [
        AddIndexQuietly(
            model_name="message",
            index=models.Index(
                condition=models.Q(("state__in", ["refused", "undelivered", "unresolved"])),
                fields=["decided_at"],
                name="message_failed",
            ),
        ),
    ]
