"""When a provider last took anything: five minutes of nothing are told from an hour in which something went."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("aftercare", "0018_fallback")]

    operations = [migrations.AddField("hour", "accepted_at", models.DateTimeField(null=True))]
