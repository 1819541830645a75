"""The baseline: one Celery task for each message, as the tutorials have it.

Each task reads its row with Django, makes a `twilio.rest.Client`, sends and saves. Nothing is locked, checked,
recorded or protected against a second delivery: all of that would make it slower still. It has the same pool, the
same number of processes, the same Redis and the same PostgreSQL as ours.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from django.conf import settings
from django.utils import timezone
from twilio.rest import Client

from worker import sealed

app = Celery("naive", broker=settings.REDIS_URL)
app.conf.update(task_ignore_result=True, task_default_queue="naive", worker_prefetch_multiplier=4)
TEXT = "{clinic}: your notes for the first days are here: {link} Urgent? Call {phone}. Reply STOP to end."


@app.task
def send_message(message_id: int) -> None:
    """Send one message."""
    from worker.models import Message

    message: Any = Message.objects.select_related("clinic", "contact", "care").get(pk=message_id)
    client: Any = Client(os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"])  # type: ignore[no-untyped-call] # twilio ships no types
    client.api.base_url = settings.TWILIO_API_URL
    sent = client.messages.create(
        to=sealed.unseal(message.contact.address_sealed, "contact.address"),
        from_="+442079460100",
        body=TEXT.format(clinic=message.clinic.name, link=message.care.key, phone=message.clinic.phone),
        status_callback=f"{settings.PUBLIC_URL}/hooks/twilio/status?d={message.pk:032x}",
    )
    message.state, message.provider_id, message.sent_at = "accepted", sent.sid, timezone.now()
    message.save(update_fields=["state", "provider_id", "sent_at"])
