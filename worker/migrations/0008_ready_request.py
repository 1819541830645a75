"""Which request made a message ready at once; empty for what time brought."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("aftercare", "0007_why_resumed")]

    operations = [
        migrations.AddField("ready", "request", models.CharField(blank=True, db_default="", default="", max_length=16)),
    ]
