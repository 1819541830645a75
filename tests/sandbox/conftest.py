"""One provider process per module; each test begins with fair weather and an empty receiver."""

from __future__ import annotations

import pytest

from . import setting


@pytest.fixture(scope="module")
def _receiver():
    receiver = setting.open_receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture(scope="module")
def _running(tmp_path_factory, _receiver):
    running = setting.start(tmp_path_factory.mktemp("outside"), _receiver)
    yield running
    assert running.stop() == (0, "")


@pytest.fixture
def outside(_running):
    """The running provider, quiet, without faults."""
    _running.sandbox.clear_faults()
    _running.sandbox.wait_quiet()
    _running.receiver.reset()
    yield _running
    _running.sandbox.clear_faults()
    _running.sandbox.wait_quiet()


@pytest.fixture
def receiver(outside):
    """What stands in for the application's hooks."""
    return outside.receiver
