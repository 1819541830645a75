"""STOP: a text that says so from a phone we know, obeyed in one statement (P2; rules 19, 33).

One statement needs one turn of the database instead of five, and each turn waits for a processor that the senders keep
busy: at two hundred a second that is the difference between 50 ms and a tenth of a second. What is less plain goes the
long way (`sms.take`), and SQLite too, which knows no such statement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from worker import sealed
from worker.actions.receive.follow_up import reason_of, sealed_follow_up
from worker.models.rows import fetch
from worker.rules.names import Channel

if TYPE_CHECKING:
    from datetime import datetime

    from worker.actions.receive.reply import Reply
    from worker.rules.words import Reading

# The lock comes first: it waits for a decision under way, and after the wait `suppressed_at` is read anew. An address
# may have two rows (`consent.twins`): all are locked and stopped, and the text is written once, at the first.
_STOP = """
WITH phone AS (
  SELECT id FROM aftercare_standing
  WHERE clinic_id = %s AND channel = 'sms' AND fingerprint = ANY(%s::bytea[])
    AND suppressed_at IS NULL AND open_stop IS NULL
  ORDER BY id FOR NO KEY UPDATE
), text AS (
  INSERT INTO aftercare_inbound
    (clinic_id, standing_id, channel, provider_id, word, body_sealed, received_at, follow_up_sealed)
  SELECT %s, phone.id, 'sms', %s::text, %s::text, %s::bytea, %s::timestamptz, %s::bytea
  FROM phone ORDER BY phone.id LIMIT 1
  ON CONFLICT DO NOTHING RETURNING id
)
UPDATE aftercare_standing AS stopped
SET suppressed_at = %s, suppressed_why = %s::text, changed_at = %s, open_stop = text.id
FROM text, phone WHERE stopped.id = phone.id RETURNING stopped.id
"""


def stop_at_once(reply: Reply, reading: Reading, *, answered: bool, now: datetime) -> bool:
    """Obey a STOP that was said just now; False, and nothing changed, for one that asks for more than this.

    That is an unknown phone, one that is stopped already, a text that was taken before, or a word that closes mailboxes
    too (rule 25). `answered`: the provider has confirmed the STOP by itself (rule 23).
    """
    plain = reading.kind.revokes and not reading.everything and reply.received_at is None
    if not plain or connection.vendor != "postgresql":
        return False
    prints = [each.digest for each in sealed.fingerprints(reply.clinic_id, Channel.SMS, reply.address)]
    asked = sealed_follow_up([], address=reply.address, opt_out_type=reply.opt_out_type, answered=answered)
    stopped = fetch(
        _STOP,
        [
            reply.clinic_id, prints, reply.clinic_id, reply.provider_id, reading.kind,
            sealed.seal(reply.body, "inbound.body"), now, asked, now, reason_of(reading.kind), now,
        ],
    )  # fmt: skip
    return bool(stopped)
