"""A disk that is full under the log: what a part says is lost, and the part is not (P5, P11)."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import redis

from config.keys import fresh_key
from tests.processes.commands import COMMAND, settings
from tests.processes.witness import until
from worker.sandbox.process import end, grace, launch
from worker.sandbox.redis_server import PrivateRedis

pytestmark = pytest.mark.processes

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("part", ["beat", "worker"])
def test_a_part_does_its_work_although_its_log_lies_on_a_full_disk(tmp_path, part):
    """P5, P11: Celery prints a banner past all logging, and ended when that could not be written: again and again.

    Beat gives its hints, and a worker takes its place at the queues: both leave keys in Redis.
    """
    keys = {name: fresh_key() for name in ("SECRET_KEY", "FIELD_KEYS", "FINGERPRINT_KEYS")}
    with contextlib.ExitStack() as stack:
        server = PrivateRedis(tmp_path / "redis")
        stack.callback(server.close)
        server.start()
        hints = stack.enter_context(redis.Redis.from_url(server.url))
        env = settings(AFTERCARE_HOME=str(tmp_path), REDIS_URL=server.broker_url, **keys)
        process = launch([*COMMAND, part], env, FULL)
        stack.callback(end, process, within=grace(0))
        until(lambda: hints.keys() or process.poll() is not None)
        assert process.poll() is None
