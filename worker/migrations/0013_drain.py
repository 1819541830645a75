"""A pause may drain: workers finish, and claim nothing new."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('aftercare', '0012_failed'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='pause',
            name='pause_scope',
        ),
        migrations.AlterField(
            model_name='pause',
            name='scope',
            field=models.CharField(choices=[('all', 'all'), ('clinic', 'clinic'), ('channel', 'channel'), ('protocol', 'protocol'), ('sender', 'sender'), ('drain', 'drain')], max_length=10),
        ),
        migrations.AddConstraint(
            model_name='pause',
            constraint=models.CheckConstraint(condition=models.Q(('scope__in', ['all', 'clinic', 'channel', 'protocol', 'sender', 'drain'])), name='pause_scope'),
        ),
    ]
