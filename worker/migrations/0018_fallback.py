"""A message may stand in for one that could not be delivered on another channel."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("aftercare", "0017_a_senders_pace")]

    operations = [migrations.AddField("message", "fallback_of", models.BigIntegerField(null=True))]
