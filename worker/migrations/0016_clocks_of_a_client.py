"""A client whose zone nobody knows is written to when it is a lawful hour wherever she may be (rule 47)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("aftercare", "0015_stop_follow_up")]

    operations = [
        migrations.AddField("client", "zone_is_known", models.BooleanField(db_default=True, default=True)),
        migrations.AddField("client", "other_clocks", models.TextField(db_default="", default="")),
    ]
