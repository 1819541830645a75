"""When a worker's process last worked, beside when it was last seen: it is there also while no hint comes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("aftercare", "0008_ready_request")]

    operations = [
        migrations.AddField("pulse", "worked_at", models.DateTimeField(null=True)),
    ]
