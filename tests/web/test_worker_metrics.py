"""A worker's own /metrics: one slow peer keeps no other waiting, and no peer keeps its thread for long (P5)."""

from __future__ import annotations

import itertools
import socket
import time
import urllib.error
import urllib.request

import pytest

from config import metrics

SOON = 0.5  # seconds, instead of the shipped ten


@pytest.fixture
def address(monkeypatch):
    """Where it is served."""
    monkeypatch.setattr(metrics._Quiet, "longest", SOON)
    server = metrics.serve("127.0.0.1:0")
    yield server.server_address
    server.shutdown()
    server.server_close()


def test_a_peer_that_says_nothing_keeps_no_other_waiting(address):
    """Each scrape has its thread."""
    with socket.create_connection(address):
        began = time.monotonic()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen("http://{}:{}/other".format(*address), timeout=5)
        assert time.monotonic() - began < SOON


def test_a_peer_that_says_a_byte_now_and_then_is_cut_off(address):
    """Each byte renews the patience for one silence; all of it together has an end."""
    with socket.create_connection(address) as line:
        line.settimeout(0.1)
        began = time.monotonic()
        for byte in itertools.cycle(b"GET "):
            try:
                line.sendall(bytes([byte]))
                if line.recv(1) == b"":
                    break
            except TimeoutError:  # it still listens
                assert time.monotonic() - began < SOON + 5
            except OSError:
                break
        assert time.monotonic() - began > SOON - 0.1
