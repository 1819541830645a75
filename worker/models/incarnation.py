"""One life of a worker process, written so that another process can prove later that it is over (rule 80)."""

from __future__ import annotations

from django.db import models


class Incarnation(models.Model):
    """A process on one database session; every attempt names the one that wrote it.

    On PostgreSQL the session holds an advisory lock that nothing but its end gives back. `pid` and `started` tell on
    the machine itself, in the same space of process numbers, whether that very process still runs.
    """

    name = models.CharField(max_length=60, primary_key=True)
    host = models.CharField(max_length=64)
    boot = models.CharField(max_length=64, blank=True)  # of the machine's kernel; "" where it has none
    space = models.CharField(max_length=64, blank=True)  # of process numbers: each container has its own
    pid = models.PositiveIntegerField()
    started = models.BigIntegerField(default=0)  # clock ticks after boot
    lock_key = models.BigIntegerField(null=True)  # null on SQLite
    server_since = models.DateTimeField(null=True)  # a server that restarted has forgotten every lock
    since = models.DateTimeField()  # machine
