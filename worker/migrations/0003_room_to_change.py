"""PostgreSQL: room on each page for the changes of a row's life, and a vacuum that looks often where rows come and go.

A message changes its state three or four times: with room on its own page a change costs no new index entries (HOT),
unless it leaves a partial index. `ready` turns over completely every hour: at the usual fifth of a table dead, its
index would be searched through thousands of rows that are gone. Takes a short lock on each table and rewrites nothing.
"""

from django.db import migrations

OFTEN = "autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0"
SOON = "autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.01"
STORAGE = {
    "aftercare_ready": f"fillfactor = 70, {OFTEN}",
    "aftercare_message": f"fillfactor = 85, {SOON}",
    "aftercare_attempt": f"fillfactor = 85, {SOON}",
    "aftercare_standing": f"fillfactor = 85, {SOON}",
    "aftercare_pulse": f"fillfactor = 50, {OFTEN}",
    "aftercare_hour": f"fillfactor = 50, {OFTEN}",
}


def give_room(_apps, editor):
    """Only PostgreSQL knows these."""
    if editor.connection.vendor == "postgresql":
        for table, storage in STORAGE.items():
            editor.execute(f"ALTER TABLE {table} SET ({storage})")


def take_back(_apps, editor):
    """As it was."""
    if editor.connection.vendor == "postgresql":
        for table, storage in STORAGE.items():
            names = ", ".join(each.split("=")[0].strip() for each in storage.split(","))
            editor.execute(f"ALTER TABLE {table} RESET ({names})")


class Migration(migrations.Migration):
    SAFE_BECAUSE = {"RunPython give_room": "a short lock that readers and writers pass, and no row is rewritten"}

    dependencies = [("aftercare", "0002_append_only")]

    operations = [migrations.RunPython(give_room, take_back)]
