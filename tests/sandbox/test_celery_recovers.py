"""A real Celery worker and a real Redis under the supervisor: work goes on after either dies (P11)."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from celery import Celery

from tests.sandbox.patience import until
from worker.sandbox.parts import Happening, Part, Supervisor
from worker.sandbox.redis_server import PrivateRedis

pytestmark = pytest.mark.processes

APP = """
import os, pathlib
from celery import Celery
app = Celery("probe", broker=os.environ["BROKER"], set_as_current=False)
app.conf.update(broker_connection_max_retries=None, task_ignore_result=True, worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True, worker_prefetch_multiplier=1, task_acks_late=True,
    broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 2, "health_check_interval": 5})
@app.task(name="probe.touch")
def touch(*, name):
    pathlib.Path(name).touch()
"""


@pytest.fixture
def house(tmp_path):
    (tmp_path / "probe.py").write_text(APP)
    redis = PrivateRedis(tmp_path / "redis")
    worker = Part(
        name="worker",
        argv=(sys.executable, "-m", "celery", "-A", "probe", "worker", "--pool", "threads", "--concurrency", "2",
              "--without-gossip", "--without-mingle", "--loglevel", "WARNING"),
        env={"BROKER": redis.broker_url, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    events = []
    supervisor = Supervisor(
        [Part(name="redis", argv=redis.argv, ready=redis.answers), worker],
        log_dir=tmp_path / "log",
        on_event=events.append,
    )
    supervisor.start()
    thread = threading.Thread(target=supervisor.watch)
    thread.start()
    yield supervisor, redis, events
    supervisor.stop()
    thread.join()
    redis.close()


def _work_is_done(redis, folder, word):
    """Publish until a task runs, as the real tick does: Redis may lose what it carried."""
    with Celery("publisher", broker=redis.broker_url, set_as_current=False) as app:
        done = iter(range(100_000))

        def once():
            path = Path(folder) / f"{word}-{next(done)}"
            if redis.answers():
                app.send_task("probe.touch", kwargs={"name": str(path)}, ignore_result=True, retry=False)
            return any(path.parent.glob(f"{word}-*"))

        until(once)


def test_work_goes_on_after_redis_or_the_worker_is_killed(house, tmp_path):
    """Redis killed, then the worker killed: each comes back by itself and tasks run again (P11)."""
    supervisor, redis, events = house
    _work_is_done(redis, tmp_path, "before")

    for part in ("redis", "worker"):
        os.kill(supervisor.pids()[part], signal.SIGKILL)
        until(lambda part=part: any(e.part == part and e.happening is Happening.DIED for e in events))
        _work_is_done(redis, tmp_path, f"after-{part}")

    assert supervisor.failure is None
