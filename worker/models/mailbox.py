"""How far the mailbox of replies and bounces was read."""

from __future__ import annotations

from django.db import models


class Mailbox(models.Model):
    """One folder; a mail above `uid` was not read yet (RFC 3501 2.3.1.1), for nothing is marked in the mailbox."""

    name = models.CharField(max_length=64, unique=True)  # a hash of host, user and folder: no address (P9)
    validity = models.BigIntegerField(default=0)  # when it changes, the server counts its UIDs anew
    uid = models.BigIntegerField(default=0)
    read_at = models.DateTimeField(null=True)  # when it was last read to its end
    trouble = models.CharField(max_length=80, blank=True)  # why it could not be read the last time
