"""Indexes on what is rare: counted each second, each scrape, and among fifty million messages that are done."""

from django.db import migrations, models

from worker.migrations._quietly import AddIndexQuietly


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds an index beside running writers only outside a transaction

    dependencies = [("aftercare", "0003_the_engine_room")]

    operations = [
        AddIndexQuietly(
            model_name='hold',
            index=models.Index(condition=models.Q(('released_at__isnull', True)), fields=['since'], name='hold_open'),
        ),
        AddIndexQuietly(
            model_name='message',
            index=models.Index(condition=models.Q(('state', 'held')), fields=['reason'], name='message_held'),
        ),
        AddIndexQuietly(
            model_name='message',
            index=models.Index(condition=models.Q(('state', 'unknown')), fields=['decided_at'], name='message_unknown'),
        ),
        AddIndexQuietly(
            model_name='providercopy',
            index=models.Index(condition=models.Q(('state', 'failed')), fields=['asked_at'], name='copy_failed'),
        ),
    ]
