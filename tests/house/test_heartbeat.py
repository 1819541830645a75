"""The health checks of docker-compose.yml look at a file that the parts really touch (P5, P11)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.sandbox.patience import until
from worker.sandbox.parts import Part, Supervisor
from worker.sandbox.redis_server import PrivateRedis

ROOT = Path(__file__).resolve().parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
AFTERCARE = str(Path(sys.executable).with_name("aftercare"))

pytestmark = pytest.mark.processes


@pytest.fixture
def environment(tmp_path):
    with PrivateRedis(tmp_path / "redis") as redis:
        own = {
            "AFTERCARE_HOME": str(tmp_path / "home"),
            "REDIS_URL": redis.broker_url,
            "HEARTBEAT_FILE": str(tmp_path / "alive"),
        }
        yield own


def verdict(service, environment):
    """Return the exit code of the health check of `service`: 0 is healthy."""
    kind, program, *words = SERVICES[service]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python")
    ran = subprocess.run((sys.executable, *words), env={**os.environ, **environment}, capture_output=True, check=False)
    return ran.returncode


@pytest.mark.parametrize("service", ["worker", "beat"])
def test_a_part_that_works_is_healthy_and_one_that_stopped_is_not(service, environment, tmp_path):
    """The file is there while the part makes progress, and a minute of silence is told."""
    part = Part(name=service, argv=(AFTERCARE, service), env=environment)
    assert verdict(service, environment) != 0

    with Supervisor([part], log_dir=tmp_path / "log"):
        until(lambda: verdict(service, environment) == 0)

    os.utime(environment["HEARTBEAT_FILE"], (1, 1))
    assert verdict(service, environment) != 0
