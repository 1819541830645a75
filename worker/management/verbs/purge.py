"""aftercare purge."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

HELP = "throw away the hints that wait in Celery's queues; harmless, for what is due stays due in the database"
QUEUES = ("sms", "email", "tend")


def add(parser: argparse.ArgumentParser) -> None:
    """Which queues."""
    parser.add_argument("--queue", choices=QUEUES, action="append", help="only this one; may be given again")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Purge them; 1 when the broker does not answer, or is no Redis."""
    import django

    django.setup()
    from django.conf import settings

    from worker import broker
    from worker.management.cli import show
    from worker.rules.refusal import Refusal, Refusals

    if not broker.is_redis(settings.BROKER_URL):
        raise Refusals([Refusal("BROKER_URL", "is no Redis", "purge with its own tool: rabbitmqctl purge_queue NAME")])
    try:
        gone = broker.purge(options.queue or QUEUES)
    except ConnectionError as error:
        raise Refusals([Refusal("BROKER_URL", f"does not answer ({error})", "start Redis, or mend the URL")]) from None
    lines = [f"{name:6} {many} hint(s) thrown away; what is due stays due" for name, many in gone.items()]
    show(gone, as_json=options.json, lines=lines)
    return 0
