"""How fast a sender's carrier takes texts; a circuit tries again with one message."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("aftercare", "0016_clocks_of_a_client")]

    operations = [
        migrations.AddField("sender", "per_second", models.FloatField(null=True)),
        migrations.AddField("pause", "probe", models.BigIntegerField(null=True)),
        migrations.AddField("pause", "probed_at", models.DateTimeField(null=True)),
    ]
