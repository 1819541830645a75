"""A STOP is obeyed at once; what still follows from it is kept until it is done."""

from django.db import migrations, models
from django.db.models import Q

from worker.migrations._quietly import AddIndexQuietly


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds an index beside running writers only outside a transaction

    dependencies = [("aftercare", "0014_lives_of_the_database")]

    operations = [
        migrations.AddField("inbound", "follow_up_sealed", models.BinaryField(null=True)),
        migrations.AddField("standing", "open_stop", models.BigIntegerField(null=True)),
        AddIndexQuietly(
            "standing", models.Index(fields=["id"], condition=Q(open_stop__isnull=False), name="standing_open_stop")
        ),
    ]
