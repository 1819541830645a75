"""Who was treated on a day, without reading every treatment of the house."""

from django.db import migrations, models

from worker.migrations._quietly import AddIndexQuietly


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("aftercare", "0007_the_desk")]

    operations = [
        AddIndexQuietly(
            model_name="treatment", index=models.Index(fields=["clinic", "performed_at"], name="treatment_of_day")
        ),
    ]
