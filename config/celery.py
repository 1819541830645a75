"""Celery: it carries "look now" from beat to the workers and nothing else; Redis may be emptied at any moment."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from celery import Celery, current_task, signals
from celery import __version__ as celery_version
from celery.schedules import crontab
from django.conf import settings
from kombu.exceptions import OperationalError
from kombu.transport import redis as kombu_redis
from redis.exceptions import ConnectionError as RedisConnectionError

from config import metrics
from worker.broker import PREFIX, is_redis

if TYPE_CHECKING:
    from celery.apps.worker import Worker

log = structlog.get_logger("aftercare.celery")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
metrics.count_by_place()  # before a task's module makes its first metric


def _read_mailbox() -> dict[str, Any]:
    """Twice within the five minutes in which a stop may be confirmed (rule 22); nothing where there is no mailbox."""
    options = {"expires": 120, "queue": "tend"}
    entry = {"task": "aftercare.read_mailbox", "schedule": 120.0, "options": options}
    return {"read mailbox": entry} if settings.MAILBOX_URL else {}


def _sign_of_life() -> dict[str, Any]:
    """Each minute, where somebody listens."""
    entry = {"task": "aftercare.sign_of_life", "schedule": 60.0, "options": {"expires": 60, "queue": "tend"}}
    return {"sign of life": entry} if settings.DEADMAN_URL else {}


REDIS_OPTIONS = {
    "socket_timeout": 5,  # without these a half-open connection is not noticed within 150 s
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 5,
    "visibility_timeout": 600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "unacked_mutex_expire": 30,
    "global_keyprefix": PREFIX,
}
app = Celery("aftercare")
app.config_from_object(
    {
        "broker_url": settings.BROKER_URL,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # the default of 100 makes a worker give up
        "broker_transport_options": REDIS_OPTIONS if is_redis(settings.BROKER_URL) else {},
        # RabbitMQ: quorum queues outlive the loss of a node. Redis knows no kinds of queues, and overlooks these.
        "task_default_queue_type": "classic" if is_redis(settings.BROKER_URL) else "quorum",
        "task_create_missing_queue_type": "classic" if is_redis(settings.BROKER_URL) else "quorum",
        "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1},
        "result_backend": None,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_acks_late": False,  # a task is a hint; the truth is the lease in the database
        "task_time_limit": 120,
        "task_soft_time_limit": 90,
        "task_default_queue": "tend",
        "worker_prefetch_multiplier": 1,
        "worker_max_tasks_per_child": 20_000,
        # The last seconds of a worker that was asked to stop (_not_for_ever); idle it has nothing to wait for.
        "worker_soft_shutdown_timeout": settings.STOP_SECONDS * 0.4,
        "worker_enable_soft_shutdown_on_idle": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "beat_max_loop_interval": min(5, settings.TICK_SECONDS),
        "timezone": "UTC",
        # A tick that nobody took is worthless one period later: no heap of them waits for a worker that comes back.
        "beat_schedule": {
            name: {
                "task": f"aftercare.{task}",
                "schedule": settings.TICK_SECONDS,
                "options": {"expires": max(2.0, settings.TICK_SECONDS * 2), "queue": queue},
            }
            for name, task, queue in (
                ("send sms", "send_sms", "sms"),
                ("send email", "send_email", "email"),
                ("tend", "tend", "tend"),
            )
        }
        | {
            "reconcile": {
                "task": "aftercare.reconcile",
                "schedule": settings.RECONCILE_SECONDS,
                "options": {"expires": settings.RECONCILE_SECONDS * 2, "queue": "tend"},
            }
        }
        | {
            "import rows": {
                "task": "aftercare.import_rows",
                "schedule": 5.0,
                "options": {"expires": 10, "queue": "tend"},
            },
            "expire consents": {
                "task": "aftercare.expire_consents",
                "schedule": crontab(minute="*/10"),  # the gate keeps the very minute; this one tells staff
                "options": {"expires": 600, "queue": "tend"},
            },
            "stale consents": {
                "task": "aftercare.stale_consents",
                "schedule": crontab(hour=4, minute=41),  # UTC; a missed day is made up for by the next
                "options": {"expires": 3600, "queue": "tend"},
            },
            "retain": {
                "task": "aftercare.retain",
                # 200,000 texts a day bring 600,000 values a day, and half a minute empties 100,000 to 300,000.
                "schedule": crontab(minute=17),
                "options": {"expires": 3600, "queue": "tend"},
            },
            "follow zones": {
                "task": "aftercare.follow_zones",
                "schedule": crontab(hour=2, minute=23),  # UTC; a new image brings new data, so each start looks too
                "options": {"expires": 3600, "queue": "tend"},
            },
            "publish heads": {
                "task": "aftercare.publish_heads",
                "schedule": crontab(minute=41),
                "options": {"expires": 3000, "queue": "tend"},
            },
        }
        | _read_mailbox()
        | _sign_of_life(),
        "imports": ["worker.tasks"],
    }
)


@signals.setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Celery would set up its own; config/logging.py has done it."""


@signals.before_task_publish.connect
def _write_when(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Each hint says when it was given: a worker that takes one knows that the beat lives, which has no database."""
    if headers is not None:
        headers["ticked_at"] = datetime.now(UTC).isoformat()


def tick_headers() -> tuple[str, str]:
    """Who gave the hint that is being followed, and when (ISO, machine time); empty outside a task."""
    request = current_task.request if current_task else None
    return str(getattr(request, "origin", "") or ""), str(getattr(request, "ticked_at", "") or "")


@signals.after_task_publish.connect  # beat: nobody else publishes
@signals.heartbeat_sent.connect  # a worker: its consumer loop turns
def _touch(**_: Any) -> None:
    """A file that a health check can look at."""
    if settings.HEARTBEAT_FILE:
        Path(settings.HEARTBEAT_FILE).touch()


@signals.worker_init.connect
def _first_touch(sender: Worker | None = None, **_: Any) -> None:  # noqa: ARG001 - celery's signature
    _touch()
    if settings.WORKER_METRICS:
        try:
            metrics.serve(settings.WORKER_METRICS)
        except OSError as error:  # sending is more than being watched
            log.error("metrics not served", at=settings.WORKER_METRICS, error=type(error).__name__)


@signals.worker_ready.connect
def _reconcile_first(**_: Any) -> None:
    """What was said while no worker ran, and what new zone data move, is looked for at once; else by the next beat."""
    with contextlib.suppress(OperationalError):
        for name in ("reconcile", "follow_zones"):
            app.send_task(f"aftercare.{name}", queue="tend", expires=60, retry=False)


@signals.worker_shutting_down.connect
def _not_for_ever(how: str = "", **_: Any) -> None:
    """SIGTERM: what was begun is ended first, then comes Celery's soft shutdown, then its cold one (STOP_SECONDS).

    Celery alone knows either: SIGTERM waits without end, until whoever sent it kills; SIGQUIT sleeps through the whole
    soft shutdown, though all was done in its first second. The cold one ends each process by SystemExit: a shift begins
    nothing new, and lets its calls come back and be written down. What is killed after all is left to its lease:
    doubted, looked for in the provider's list, and never repeated (rule 79).
    """
    if how == "Warm":
        late = threading.Timer(settings.STOP_SECONDS * 0.6, os.kill, (os.getpid(), signal.SIGQUIT))
        late.daemon = True
        late.start()


@signals.worker_process_init.connect
def _trace(**_: Any) -> None:
    from worker import traces

    traces.begin()


@signals.worker_process_init.connect
def _show_life(**_: Any) -> None:
    from worker.actions.record import life

    life.begin()


@signals.worker_process_shutdown.connect
def _trace_no_more(**_: Any) -> None:  # a pool's process ends without Python's own ending
    from worker import traces

    traces.end()


@signals.task_prerun.connect
def _name_the_task(task_id: str = "", **_: Any) -> None:
    """Every line that a task causes carries its number; and how long it takes shows whether the process is stuck."""
    from worker.actions.record import life

    structlog.contextvars.bind_contextvars(task=task_id)
    life.begun()


@signals.task_postrun.connect
def _forget_the_task(**_: Any) -> None:
    from worker.actions.record import life

    structlog.contextvars.unbind_contextvars("task")
    life.ended()


def survive_lost_broker() -> None:
    """Make celery 5.7.0 survive a lost Redis: it ends with AttributeError where kombu rebuilds a closed channel.

    In 15 of 22 runs under load the worker process exited when Redis went away. A closed channel that is asked for
    its connection now says so with the error that the reconnect loop handles. Only for the versions it was seen in;
    the supervisor restarts the process as well.
    """
    if celery_version != "5.7.0":
        return
    channel: Any = kombu_redis.Channel
    original = channel._connparams  # noqa: SLF001 - the fault lies in there

    def _connparams(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.connection is None or getattr(self.connection, "client", None) is None:
            raise RedisConnectionError("the channel's connection is closed")
        return original(self, *args, **kwargs)

    channel._connparams = _connparams  # noqa: SLF001


survive_lost_broker()
