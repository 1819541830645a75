"""Why a pause was ended, beside who ended it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("aftercare", "0006_message_day")]

    operations = [
        migrations.AddField("pause", "ended_why", models.CharField(max_length=200, null=True)),
    ]
