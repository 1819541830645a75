"""The Celery tasks: each a hint that makes one call; doubled, lost or late hints change nothing but seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings

from config.celery import app, tick_headers
from worker import clock
from worker.actions.consent import optin_expiry, stale
from worker.actions.course import follow_zones as zones
from worker.actions.imports import work as importing
from worker.actions.mail import poll as mail_poll
from worker.actions.privacy import copies, redact
from worker.actions.privacy import retain as retention
from worker.actions.receive.reconcile import reconcile
from worker.actions.record import heads as publishing
from worker.actions.record import pulse
from worker.actions.send import doubt
from worker.actions.send import tend as tending
from worker.actions.send.shift import shift
from worker.channels import carriers
from worker.reading import alive
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
    tending.tend(tick=pulse.Tick.of(*tick_headers()))


@task(name="aftercare.expire_consents", queue="tend")
def expire_consents() -> None:
    """End the opt-in questions that nobody answered in time."""
    optin_expiry.expire_unanswered(now=clock.now())


@task(name="aftercare.stale_consents", queue="tend")
def stale_consents() -> None:
    """Ask again where nobody has heard of anybody for long."""
    stale.find_stale(now=clock.now())


@task(name="aftercare.retain", queue="tend")
def retain() -> None:
    """Empty texts, replies and raw receipts whose time is over; half a minute an hour, so that nothing waits for it.

    What is quick comes first, and what a failure of one part would keep from its turn has it all the same.
    """
    try:
        pulse.forget_old(now=clock.now())
    finally:
        try:
            retention.retain(now=clock.now(), longest=30.0)
        finally:
            redact.ask_to_redact(days=settings.REDACT_AT_PROVIDER_DAYS, now=clock.now())


@task(name="aftercare.follow_zones", queue="tend")
def follow_zones() -> None:
    """Move what an update of the zone data moves; with the same data it looks and leaves."""
    zones.follow_zones(now=clock.now())


@task(name="aftercare.reconcile", queue="tend")
def reconcile_inbound() -> None:
    """Find what webhooks lost, and our own texts of unknown outcome, in the provider's list; then clear copies there.

    One task for all: a provider that hangs may keep one process of a worker from sending, and never two.
    """
    reconcile(now=clock.now())
    doubt.look_into_doubts()
    copies.clear_copies(now=clock.now())


@task(name="aftercare.sign_of_life", queue="tend")
def sign_of_life() -> None:
    """Tell the monitor outside that all is well, when it is."""
    alive.sign_of_life(now=clock.now(), machine=clock.machine())


@task(name="aftercare.publish_heads", queue="tend")
def publish_heads() -> None:
    """Sign how far each chain has come, and publish it outside the database."""
    publishing.publish_all(now=clock.now())


@task(name="aftercare.import_rows", queue="tend")
def import_rows() -> None:
    """Look at, or enrol, the rows of files that were brought; some seconds at a time, so that nothing waits for it."""
    importing.work(longest=5.0, now=clock.now(), machine=clock.machine())
    importing.purge(now=clock.now())


@task(name="aftercare.read_mailbox", queue="tend")
def read_mailbox() -> None:
    """Read replies, bounces and complaints; a third of a minute at a time, so that nothing waits for it."""
    mail_poll.mail_poll(longest=20.0)
