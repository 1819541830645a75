"""The limits' own arithmetic: never more than a rate allows, nobody overtaken for ever, one probe after a rest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from worker.rules import pace
from worker.rules.pace import Ask, Limit, News, State, take

RATES = st.sampled_from([0.5, 1.0, 3.0, 10.0])
STEPS = st.lists(st.tuples(st.floats(0, 3), st.lists(st.integers(1, 3), min_size=1, max_size=8)), max_size=30)
SENDER = Limit(name="sender:1", interval=1.0, burst=1.0)


def _granted(limit, steps):
    """When how many parts were granted, as time goes on by each step."""
    state, now, out = State(), 1_000.0, []
    for forward, batch in steps:
        now += forward
        waits = take([Ask(limit, state)], [((0,), parts) for parts in batch], now)
        out += [(now, parts) for parts, wait in zip(batch, waits, strict=True) if not wait.seconds]
    return out


@given(RATES, STEPS)
def test_no_window_of_time_sees_more_than_its_rate_and_one_burst(rate, steps):
    """Rule 84: within any T seconds at most T x rate + burst + 2 parts, whatever is asked and when."""
    limit = Limit(name="s", interval=1 / rate, burst=max(1.0, rate))
    out = _granted(limit, steps)
    for first, (since, _) in enumerate(out):
        for last in range(first, len(out)):
            parts = sum(parts for _, parts in out[first : last + 1])
            assert parts <= (out[last][0] - since) * rate + limit.burst + 2 + 1e-6


@given(RATES, STEPS)
def test_what_it_tells_a_claim_is_never_too_little(rate, steps):
    """A claim takes as many as may go: what is really granted never exceeds what was foretold (in one-part texts)."""
    limit, state, now = Limit(name="s", interval=1 / rate, burst=max(1.0, rate)), State(), 1_000.0
    for forward, batch in steps:
        now += forward
        foretold = pace.allowance(limit, state, 0, now)
        waits = take([Ask(limit, state)], [((0,), 1)] * len(batch), now)
        assert sum(not wait.seconds for wait in waits) <= foretold


def test_what_must_wait_comes_back_one_after_the_other():
    """No busy loop: the waits of a batch are as far apart as the rate wants, not all the same."""
    waits = take([Ask(SENDER)], [((0,), 1)] * 4, 100.0)
    assert [(round(wait.seconds, 6), wait.why) for wait in waits] == [(0, ""), (1, "rate"), (2, "rate"), (3, "rate")]


def test_a_long_text_is_not_overtaken_for_ever():
    """Three parts go where one part is free, and those behind it pay: texts of one part would else always fit first."""
    state = State()
    assert not take([Ask(SENDER, state)], [((0,), 3)], 100.0)[0].seconds
    assert take([Ask(SENDER, state)], [((0,), 1)], 101.0)[0].seconds == 2.0


def test_one_senders_queue_costs_the_account_nothing():
    """Fair claiming: what a sender can't take is not counted on the account that all share."""
    account = Ask(Limit(name="account", interval=0.1, burst=10.0))
    asks = [Ask(SENDER), Ask(Limit(name="sender:2", interval=1.0, burst=1.0)), account]
    waits = take(asks, [((0, 2), 1)] * 20 + [((1, 2), 1)], 100.0)
    assert [wait.seconds == 0 for wait in waits] == [True] + [False] * 19 + [True]
    assert round(account.state.full_at, 6) == 100.2


def test_calls_in_flight_are_bounded_over_all_processes():
    """Rule 85: those of the others count as ours do."""
    waits = take([Ask(Limit(name="account", calls=5), others=2, news=News(flying=1))], [((0,), 1)] * 4, 100.0)
    assert [wait.why for wait in waits] == ["", "", "calls", "calls"]


def test_too_many_rests_longer_each_time_and_honours_the_providers_wish():
    """Rule 84: one second, two, four; several of one moment are one; a wish of seven seconds is kept."""
    state, limit = State(), Limit(name="account")
    ends = []
    for now in (100.0, 100.5, 101.0, 103.0):
        pace.hear(limit, state, News(slow=0.0), now)
        ends.append(state.rest_until)
    assert ends == [101.0, 101.0, 103.0, 107.0]
    pace.hear(limit, state, News(slow=7.0), 104.0)
    assert state.rest_until == 111.0
    pace.hear(limit, state, News(slow=0.0), 111.0 + pace.MEMORY + 1)
    assert state.step == 1.0


def test_after_a_rest_a_single_call_probes_and_then_more_and_more():
    """Half-open: one call until it is answered, then two, then four; a stumble begins again."""
    state, limit = State(), Limit(name="account", calls=100)
    wants = [((0,), 1)] * 8

    def going(now, **news):
        waits = take([Ask(limit, state, news=News(**news))], wants, now)
        return sum(not wait.seconds for wait in waits)

    assert going(100.0, slow=0.0) == 0
    assert going(101.0) == 1
    assert going(101.1, flying=1) == 0
    assert going(101.2, answered=1) == 2
    assert going(101.3, answered=2) == 4
    assert going(101.4, slow=0.0) == 0
    assert going(103.5) == 1


def test_the_shares_of_all_processes_are_the_whole():
    """P11: without Redis each process keeps its part."""
    limit = Limit(name="s", interval=0.1, burst=10.0, calls=7)
    share = limit.share(4)
    assert 4 / share.interval == 1 / limit.interval
    assert (4 * share.burst, share.calls) == (10.0, 1)
