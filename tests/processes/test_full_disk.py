"""A disk that is full under the log: what beat says is lost, and beat is not (P11)."""

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
def test_beat_gives_its_hints_although_its_log_lies_on_a_full_disk(tmp_path):
    """P11: Celery prints beat's banner past all logging, and ended when that could not be written."""
    keys = {name: fresh_key() for name in ("SECRET_KEY", "FIELD_KEYS", "FINGERPRINT_KEYS")}
    with contextlib.ExitStack() as stack:
        server = PrivateRedis(tmp_path / "redis")
        stack.callback(server.close)
        server.start()
        hints = stack.enter_context(redis.Redis.from_url(server.url))
        env = settings(AFTERCARE_HOME=str(tmp_path), REDIS_URL=server.broker_url, **keys)
        beat = launch([*COMMAND, "beat"], env, FULL)
        stack.callback(end, beat, within=grace(0))
        until(lambda: hints.keys() or beat.poll() is not None)
        assert beat.poll() is None
