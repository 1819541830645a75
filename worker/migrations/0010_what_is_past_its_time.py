"""The indexes by which retention finds what is past its time, oldest first, among all that is kept and all that is empty.

Each holds only the rows that still have something to empty. A text, its answer and a receipt cost one more entry each
at the right edge of an index: within the noise of 120 us of the database's time; on disk 22 bytes each.
"""

from django.db import migrations, models

from worker.migrations._quietly import AddIndexQuietly

INDEXES = (
    ("staffwords", "written_at", "words_sealed", "staff_words_kept"),
    ("checkinanswer", "answered_at", "answers_sealed", "checkin_kept"),
    ("attempt", "decided_at", "body_sealed", "attempt_kept"),
    ("receipt", "received_at", "raw_sealed", "receipt_kept"),
    ("inbound", "received_at", "body_sealed", "inbound_kept"),
    ("inbound", "received_at", "follow_up_sealed", "inbound_unsettled"),
    ("message", "created_at", "address_sealed", "message_address_kept"),
)
ERASED = models.Index(fields=["erased_at", "id"], condition=models.Q(erased_at__isnull=False), name="client_erased")


def _kept(model, moment, column, name):
    condition = models.Q((f"{column}__isnull", False))
    return AddIndexQuietly(model, models.Index(fields=[moment], condition=condition, name=name))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("aftercare", "0009_pulse_worked_at")]

    operations = [*(_kept(*each) for each in INDEXES), AddIndexQuietly("client", ERASED)]
