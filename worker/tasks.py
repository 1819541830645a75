"""The Celery tasks: each a hint that makes one call; doubled, lost or late hints change nothing but seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings

from config.celery import app
from worker import clock
from worker.actions.privacy import retain as retention
from worker.actions.send import tend as tending
from worker.actions.send.shift import shift
from worker.channels import carriers
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Callable

task: Callable[..., Callable[[Callable[[], None]], Any]] = app.task


@task(name="aftercare.send_sms", queue="sms")
def send_sms() -> None:
    """Send what is due by SMS."""
    shift(channel=Channel.SMS, carrier=carriers.carrier(Channel.SMS), slots=settings.SEND_SLOTS)


@task(name="aftercare.send_email", queue="email")
def send_email() -> None:
    """Send what is due by email."""
    shift(channel=Channel.EMAIL, carrier=carriers.carrier(Channel.EMAIL), slots=settings.MAIL_SLOTS)


@task(name="aftercare.tend", queue="tend")
def tend() -> None:
    """Bring forward what is due soon, end what is too late, doubt what fell silent, seal what was decided."""
    tending.tend()


@task(name="aftercare.retain", queue="tend")
def retain() -> None:
    """Empty texts, replies and raw receipts whose time is over; half a minute a day, so that nothing waits for it."""
    retention.retain(now=clock.now(), longest=30.0)
