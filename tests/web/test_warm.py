"""The first STOP after a start waits for no line to be opened (rule 33)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection

from config import gunicorn
from tests import builders
from worker.web import warm


@pytest.mark.django_db
def test_warming_up_changes_nothing():
    """The STOP that is tried is nobody's; the line is open afterwards."""
    builders.house()
    before = builders.counts()
    warm.warm_up()
    assert builders.counts() == before
    assert connection.connection is not None


@pytest.mark.django_db
def test_a_database_that_is_away_does_not_keep_the_web_part_from_starting(monkeypatch):
    """P11: health answers, and says what is missing."""

    def away(*_, **__):
        raise OperationalError

    monkeypatch.setattr(warm, "stop_at_once", away)
    warm.warm_up()


def test_each_thread_of_a_web_process_is_warmed(monkeypatch):
    """A quick thread does not do the work of all: each has a line of its own."""
    warmed = []
    monkeypatch.setattr(warm, "warm_up", lambda: warmed.append(threading.get_ident()))
    with ThreadPoolExecutor(4) as pool:
        gunicorn.post_worker_init(SimpleNamespace(tpool=pool, cfg=SimpleNamespace(threads=4)))
    assert len(set(warmed)) == len(warmed) == 4


def test_the_first_text_after_a_start_waits_for_no_page_to_be_read():
    """Rule 33: Django reads its pages at the first request, which is a second; the web part does it before."""
    ask = (
        "import sys, config.wsgi; before = set(sys.modules)\n"
        "from django.urls import resolve; resolve('/hooks/twilio/inbound'); resolve('/healthz')\n"
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, env=dict(os.environ))
    assert done.stdout.strip().splitlines()[-1] == "[]"
