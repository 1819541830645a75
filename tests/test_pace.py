"""The limits that all workers share, in a real Redis: the same as the rule, and nothing forgotten with Redis (P11)."""

from __future__ import annotations

import json
import os
import signal
import threading
import time

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker import pace as shared
from worker.pace import Pace
from worker.rules.pace import Ask, Limit, News, State, take
from worker.sandbox.redis_server import PrivateRedis

SENDER = Limit(name="sender:1", interval=0.01, burst=20.0)
LIMITS = (
    Limit(name="sender:1", interval=1.0, burst=2.0),
    Limit(name="account:1", interval=0.25, burst=4.0, calls=3),
    Limit(name="relay"),
)
NEWS = st.builds(
    News, st.integers(0, 4), st.integers(0, 3), st.integers(0, 2), st.none() | st.sampled_from([0.0, 7.0, 5000.0])
)
WANTS = st.lists(st.tuples(st.sampled_from([(0,), (1,), (0, 1), (2,), ()]), st.integers(1, 3)), max_size=8)
ROUNDS = st.lists(st.tuples(st.floats(0, 5), st.tuples(NEWS, NEWS, NEWS), WANTS), min_size=1, max_size=12)


@pytest.fixture
def patient(monkeypatch):
    """A loaded machine may take longer than a fifth of a second to answer; that is not what these tests are about."""
    monkeypatch.setattr(shared, "PATIENCE", 30.0)


@pytest.fixture
def server(redis_server, patient):
    return redis_server


@pytest.fixture
def line(server):
    with redis.Redis.from_url(server.url) as connected:
        connected.flushall()
        yield connected


def _pace(server, **kwargs):
    return Pace(server.url, longest_call=10.0, **kwargs)


def _going(one, limit, many=50, parts=1, **kwargs):
    waits = one.take({limit.name: limit}, [((limit.name,), parts)] * many, **kwargs)
    return sum(not wait.seconds for wait in waits)


class _At(Pace):
    """Asks as if it were a given moment, of Redis's clock and of ours."""

    now = 0.0

    def _line(self):
        script = super()._line()
        return lambda keys, args: script(keys=keys, args=[json.dumps(json.loads(args[0]) | {"now": f"{self.now:.6f}"})])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROUNDS)
def test_the_script_is_the_rule(server, rounds):
    """The two say the same of every message and leave the same state, whatever happened before."""
    with redis.Redis.from_url(server.url) as line:
        line.flushall()
    script, now, states = _At(server.url, longest_call=10.0), 1_800_000_000.0, [State() for _ in LIMITS]
    for forward, news, wants in rounds:
        now = script.now = round(now + forward, 3)
        asks = [Ask(limit, state, 0, new) for limit, state, new in zip(LIMITS, states, news, strict=True)]
        numbered = [(list(places), parts) for places, parts in wants]
        told = [Ask(limit, State(), 0, new) for limit, new in zip(LIMITS, news, strict=True)]
        _, waits, reasons, after = json.loads(script._ask(told, numbered))
        ours = take(asks, numbered, now)
        assert [(pytest.approx(wait.seconds, abs=1e-3), wait.why) for wait in ours] == [
            (float(seconds), why) for seconds, why in zip(waits, reasons, strict=True)
        ]
        drained = now - 10  # whatever was full before that is as good as never
        assert [(max(state.full_at, drained), state.rest_until, state.step, state.ramp) for state in states] == [
            tuple(pytest.approx(value, abs=1e-3) for value in (max(float(full_at), drained), float(rest), step, ramp))
            for full_at, rest, step, ramp in after
        ]


def test_many_workers_together_never_exceed_the_limit(server, line):
    """Rule 84: four at once, as fast as they can; together at most rate x time + burst + two parts of one long text."""
    granted, began, ends = [], time.monotonic(), time.monotonic() + 0.8
    lock = threading.Lock()

    def work(own):
        while time.monotonic() < ends:
            many = _going(own, SENDER, many=7)
            with lock:
                granted.append(many)

    workers = [threading.Thread(target=work, args=(_pace(server),)) for _ in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    allowed = (time.monotonic() - began) / SENDER.interval + SENDER.burst + 2
    assert SENDER.burst < sum(granted) <= allowed
    assert len(granted) > 4  # they did compete


def test_an_emptied_redis_opens_no_new_burst(server, line):
    """P11: each process tells Redis again what it knows; forgetting lets nothing more through."""
    slow = Limit(name="sender:2", interval=30.0, burst=4.0)
    one, two = _pace(server), _pace(server)
    assert (_going(one, slow), _going(two, slow)) == (4, 0)
    line.flushall()
    assert (_going(two, slow), _going(one, slow)) == (0, 0)
    line.flushall()
    assert _going(_pace(server), slow) == 4  # whoever knows nothing has one burst: the bound for each emptying


def test_one_workers_too_many_rests_everybody_and_one_call_probes(server, line):
    """Rule 84: a 429 slows the whole account; after its Retry-After a single call goes, whoever makes it."""
    account = Limit(name="account:2", calls=100)
    one, two = _pace(server), _pace(server)
    assert _going(one, account, many=1) == 1
    one.landed([account.name], clear=False)
    one.take({account.name: account}, [], slow={account.name: 0.3})
    _wait_until(lambda: _going(two, account, many=3) == 1)
    assert _going(one, account, many=3) == 0  # two's probe is on its way
    two.landed([account.name], clear=True)
    assert _going(two, account, many=3) == 2
    line.flushall()
    assert _going(two, account, many=3) == 0  # whoever asks after Redis was emptied tells it of its own two
    assert _going(one, account, many=3) == 0


def _wait_until(found, within=10.0):
    ends = time.monotonic() + within
    while not found():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_everybody_keeps_the_providers_own_wish(server, line):
    """Rule 84: Retry-After holds for every worker."""
    account = Limit(name="account:4")
    _pace(server).take({account.name: account}, [], slow={account.name: 600.0})
    waits = _pace(server).take({account.name: account}, [((account.name,), 1)] * 3)
    assert {wait.why for wait in waits} == {"rest"}
    assert all(300 < wait.seconds <= 600 for wait in waits)


def test_calls_in_flight_count_over_all_workers_and_a_dead_ones_end(server, line):
    """Rule 85: at most so many at a time; a killed worker's are over once they must be."""
    account = Limit(name="account:3", calls=5)
    one, two = _pace(server), _pace(server)
    assert (_going(one, account, many=3), _going(two, account, many=9)) == (3, 2)
    two.landed([account.name], clear=True)
    assert _going(two, account, many=9) == 1
    dead = one._me
    count, _ = line.hget("aftercare:calls:account:3", dead).split(b" ", 1)
    assert count == b"3"
    line.hset("aftercare:calls:account:3", dead, b"3 1.0")
    assert _going(two, account, many=9) == 3


def test_without_redis_each_worker_keeps_its_share(patient, tmp_path):
    """P11: four workers, a quarter each; what Redis had said before it went is not forgotten."""
    gone = Pace("unix:///nowhere.sock", longest_call=10.0, processes=lambda: 4)
    slow = Limit(name="sender:4", interval=10.0, burst=8.0, calls=9)
    assert _going(gone, slow) == 2
    with PrivateRedis(tmp_path / "redis") as mine:
        own = Pace(mine.url, longest_call=10.0)
        assert _going(own, slow) == 8
    assert _going(own, slow) == 0
    assert own._away_until > 0


def test_what_was_not_used_is_given_back(server, line):
    """A message that the gate put off has cost its sender nothing."""
    slow = Limit(name="sender:5", interval=60.0, burst=2.0)
    one = _pace(server)
    assert _going(one, slow) == 2
    one.unused([slow.name], 1)
    assert _going(one, slow) == 1


def test_nobody_waits_for_a_redis_that_hangs(tmp_path):
    """P11: a Redis that is stopped costs a fifth of a second, once in three."""
    with PrivateRedis(tmp_path / "redis") as mine:
        one = Pace(mine.url, longest_call=10.0)
        assert _going(one, SENDER, many=1) == 1
        os.kill(mine.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            assert _going(one, SENDER, many=1) == 1
            assert _going(one, SENDER, many=1) == 1
            assert time.monotonic() - began < 5.0
        finally:
            os.kill(mine.pid, signal.SIGCONT)
