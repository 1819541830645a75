"""What makes each alert fire, and what must not: series as Prometheus would have scraped them, a value a minute.

And what one leap of a counter does, at the shipped scrape of 15 seconds: seen as it happens, or found after a gap.
"""

from __future__ import annotations

from dataclasses import dataclass, field

OBEYED = "aftercare_optout_effect_seconds_bucket"
WAITED = "aftercare_ratelimit_wait_seconds"
CALLS = 'aftercare_messages_total{channel="sms",outcome="%s"}'
LATE = "aftercare_message_lateness_seconds"


@dataclass(frozen=True, slots=True)
class Cause:
    """`ill` makes the alert fire at some minute up to `within`; with `well` it stays silent."""

    ill: dict[str, str]
    well: dict[str, str]
    within: int = 15


@dataclass(frozen=True, slots=True)
class Leap:
    """Counters that leap once, each from one value to another, and rest; whether that alone makes the alert fire.

    `seen`: it happens between two scrapes. `unseen`: it happens while a quarter of an hour brings no scrape.
    """

    counters: dict[str, tuple[int, int]]
    seen: bool
    unseen: bool
    beside: dict[str, str] = field(default_factory=dict)


def gauge(series, ill, well="0x120", within=15):
    """One gauge that is wrong from the start."""
    return Cause({series: ill}, {series: well}, within)


ALERTS = {
    "SentAfterStop": gauge("aftercare_sent_after_optout_total", "_x3 1x120", within=6),
    "SentTwice": gauge("aftercare_duplicate_sends_total", "0x3 1x120", within=6),
    "HeldAfterRestore": gauge("aftercare_held_after_restore", "1x120", within=1),
    "MessagesLate": gauge('aftercare_oldest_due_age_seconds{channel="sms"}', "1000x120", "800x120"),
    "NothingAccepted": Cause(
        {'aftercare_oldest_due_age_seconds{channel="sms"}': "400x120"},
        {'aftercare_oldest_due_age_seconds{channel="sms"}': "400x120",
         'aftercare_messages_total{channel="sms",outcome="accepted"}': "0+1x120"},
    ),
    "LatenessBudget": Cause(
        {f"{LATE}_count": "0+100x120", f'{LATE}_bucket{{le="900.0"}}': "0+80x120"},
        {f"{LATE}_count": "0+100x120", f'{LATE}_bucket{{le="900.0"}}': "0+99x120"},
    ),
    "UnknownOutcomes": gauge('aftercare_unknown_oldest_age_seconds{channel="email"}', "1900x120", "1000x120"),
    "Undecided": gauge("aftercare_undecided_oldest_age_seconds", "400x120", "200x120"),
    "LedgerDrift": gauge("aftercare_ledger_drift", "1x120"),
    "ListsBehind": gauge("aftercare_inbound_list_behind_seconds", "1000x120", "800x120"),
    "StopsNotTaken": gauge(
        'aftercare_http_request_seconds_count{view="twilio_inbound",code_class="5xx"}', "0+1x120", "7x120"
    ),
    "WebhooksForged": gauge(
        'aftercare_http_request_seconds_count{view="twilio_status",code_class="4xx"}', "0+10x120", "0+1x120", 30
    ),
    "StopsSlow": Cause(
        {f'{OBEYED}{{le="{le}"}}': f"0+{n}x120" for le, n in (("1", 1), ("5", 9), ("+Inf", 9))},
        {f'{OBEYED}{{le="{le}"}}': "0+9x120" for le in ("0.1", "5", "+Inf")},
        30,
    ),
    "WebDown": Cause({}, {'up{job="aftercare"}': "1x120"}, 5),
    "DatabaseDown": Cause(
        {'aftercare_database_up{instance="a"}': "1x120", 'aftercare_database_up{instance="b"}': "0x120"},
        {'aftercare_database_up{instance="a"}': "1x120"},
        5,
    ),
    "WorkerUnseen": Cause(
        {'up{job="aftercare-worker",instance="a"}': "1x120", 'up{job="aftercare-worker",instance="b"}': "0x120"},
        {'up{job="aftercare-worker",instance="a"}': "1x120", "aftercare_workers": "2x120"},
    ),
    "SweepStopped": gauge("aftercare_sweep_last_success_timestamp_seconds", "0x120", "0+60x120"),
    "NoWorker": Cause(
        {"aftercare_workers": "0x120", 'aftercare_due_backlog{channel="sms"}': "3x120"},
        {"aftercare_workers": "2x120", 'aftercare_due_backlog{channel="sms"}': "3x120"},
    ),
    "BeatSilent": gauge("aftercare_beat_last_tick_timestamp_seconds", "0x120", "0+60x120"),
    "QueueUnserved": Cause(
        {'aftercare_queue_consumers{queue="sms"}': "0x120", "aftercare_workers": "2x120"},
        {'aftercare_queue_consumers{queue="sms"}': "1x120", "aftercare_workers": "2x120"},
    ),
    "BrokerDown": gauge("aftercare_broker_up", "0x120", "1x120"),
    "BrokerMayForget": gauge("aftercare_broker_policy_ok", "0x120", "1x120"),
    "BrokerFull": Cause(
        {"aftercare_broker_memory_bytes": "80x120", "aftercare_broker_memory_limit_bytes": "100x120"},
        {"aftercare_broker_memory_bytes": "80x120", "aftercare_broker_memory_limit_bytes": "0x120"},
    ),
    "QueueGrows": gauge('aftercare_queue_messages{queue="tend"}', "200x120", "5x120"),
    "ClockSkew": gauge('aftercare_clock_skew_seconds{peer="db"}', "-2x120", "0.1x120"),
    "DatabaseSlow": gauge("aftercare_database_seconds", "0.5x120", "0.001x120"),
    "OldTransaction": gauge("aftercare_db_oldest_xact_seconds", "900x120", "1x120"),
    "DeadRows": gauge('aftercare_db_dead_rows{table="ready"}', "200000x120", "900x120", 30),
    "ProviderRefusesUs": gauge(
        'aftercare_provider_errors_total{channel="sms",error_code="20003"}', "0+1x120", "5x120"
    ),
    "ProviderTrouble": Cause(
        {f'aftercare_messages_total{{channel="sms",outcome="{name}"}}': "0+50x120" for name in ("accepted", "unknown")},
        {'aftercare_messages_total{channel="sms",outcome="accepted"}': "0+50x120",
         'aftercare_messages_total{channel="sms",outcome="unknown"}': "0+1x120"},
        25,
    ),
    "SenderRefused": gauge('aftercare_circuits{state="open"}', "1x120", "0x120", 20),
    "LimitsTight": Cause(
        {f'{WAITED}_bucket{{channel="sms",scope="rate",le="{le}"}}': f"0+{n}x120"
         for le, n in (("300", 1), ("900", 9), ("+Inf", 9))},
        {f'{WAITED}_bucket{{channel="sms",scope="rate",le="{le}"}}': "0+9x120" for le in ("5", "900", "+Inf")},
        60,
    ),
    "ProviderSlowsUs": gauge('aftercare_slowed_total{channel="sms"}', "0+1x120", "0x20 1x100", 60),
    "ReceiptsStopped": Cause(
        {'aftercare_messages_total{channel="sms",outcome="accepted"}': "0+5x120"},
        {'aftercare_messages_total{channel="sms",outcome="accepted"}': "0+5x120",
         'aftercare_delivery_receipts_total{channel="sms",status="delivered"}': "0+5x120"},
        60,
    ),
    "Undelivered": Cause(
        {'aftercare_messages_total{channel="sms",outcome="accepted"}': "0+5x120",
         'aftercare_delivery_receipts_total{channel="sms",status="undelivered"}': "0+2x120"},
        {'aftercare_messages_total{channel="sms",outcome="accepted"}': "0+50x120",
         'aftercare_delivery_receipts_total{channel="sms",status="undelivered"}': "0+2x120"},
        100,
    ),
    "OptOutsMany": gauge('aftercare_optout_events_total{reason="keyword"}', "0+1x200", "3x200", 150),
    "RedFlagUnanswered": gauge('aftercare_red_flags{state="late"}', "1x120"),
    "FeedSilent": gauge('aftercare_feeds_silent{state="alarms"}', "1x120"),
    "TasksLate": gauge('aftercare_staff_tasks{state="late"}', "2x120", within=60),
    "HoldsOld": gauge('aftercare_hold_oldest_age_seconds{channel="sms"}', "180000x120", "1000x120", 90),
    "PausedLong": gauge("aftercare_pause_oldest_age_seconds", "90000x120", "1000x120", 90),
}  # fmt: skip


ALSO = {
    "WorkerUnseen": Cause({"aftercare_workers": "2x120"}, {"aftercare_workers": "0x120"}),  # none is looked for
    "ClockSkew": gauge("aftercare_broker_clock_skew_seconds", "-2x120", "0.1x120"),
    "DatabaseDown": gauge("aftercare_database_up", "0x120", "1x4 0 1x120"),
}
"""Other causes of the same alerts."""

LEAPS = {
    "SentAfterStop": Leap({"aftercare_sent_after_optout_total": (0, 1)}, seen=True, unseen=True),
    "SentTwice": Leap({"aftercare_duplicate_sends_total": (0, 1)}, seen=True, unseen=True),
    "NothingAccepted": Leap(  # the last that was taken is long ago
        {CALLS % "accepted": (0, 5)}, seen=True, unseen=True,
        beside={'aftercare_oldest_due_age_seconds{channel="sms"}': "0x100 400x400"},
    ),
    "LatenessBudget": Leap(  # a budget that burns on is told, one that burnt for a moment need not wait for the morning
        {f"{LATE}_count": (0, 100), f'{LATE}_bucket{{le="900.0"}}': (0, 40)}, seen=True, unseen=False
    ),
    "StopsNotTaken": Leap(
        {'aftercare_http_request_seconds_count{view="twilio_inbound",code_class="5xx"}': (0, 5)}, seen=True, unseen=True
    ),
    "WebhooksForged": Leap(
        {'aftercare_http_request_seconds_count{view="twilio_status",code_class="4xx"}': (3, 60)}, seen=True, unseen=True
    ),
    "StopsSlow": Leap(
        {f'{OBEYED}{{le="{le}"}}': (5, n) for le, n in (("1", 6), ("5", 30), ("+Inf", 30))}, seen=True, unseen=False
    ),
    "ProviderRefusesUs": Leap(
        {'aftercare_provider_errors_total{channel="sms",error_code="20003"}': (0, 1)}, seen=True, unseen=True
    ),
    "ProviderTrouble": Leap(
        {CALLS % "accepted": (10, 20), CALLS % "unknown": (0, 8)}, seen=True, unseen=True
    ),
    "LimitsTight": Leap(
        {f'{WAITED}_bucket{{channel="sms",scope="rate",le="{le}"}}': (0, n)
         for le, n in (("300", 1), ("900", 30), ("+Inf", 30))}, seen=True, unseen=False
    ),
    "ProviderSlowsUs": Leap(  # what happens once is what a rest is for
        {'aftercare_slowed_total{channel="sms"}': (0, 9)}, seen=False, unseen=False
    ),
    "ReceiptsStopped": Leap({CALLS % "accepted": (0, 60)}, seen=True, unseen=True),
    "Undelivered": Leap(
        {CALLS % "accepted": (0, 60), 'aftercare_delivery_receipts_total{channel="sms",status="undelivered"}': (0, 30)},
        seen=True, unseen=True,
    ),
    "OptOutsMany": Leap({'aftercare_optout_events_total{reason="keyword"}': (3, 20)}, seen=True, unseen=True),
}  # fmt: skip
"""Every alert that asks how much a counter rose."""


def rule_tests():
    """For `promtool test rules`, each with its alert: it fires in its own world, and is silent in the other."""
    tests = []
    for name, cause in [*ALERTS.items(), *ALSO.items()]:
        for series, fires in ((cause.ill, True), (cause.well, False)):
            tests.append((name, _played(name, series, fires, minutes=cause.within, interval="1m")))
    return tests


def leap_tests():
    """The same for one leap: seen, unseen, and a gap after which nothing has changed."""
    tests = []
    for name, leap in LEAPS.items():
        for gap, leaps, fires in (("", True, leap.seen), (" _x60", True, leap.unseen), (" _x60", False, False)):
            rest = {series: f"{low}x20{gap} {high if leaps else low}x480"
                    for series, (low, high) in leap.counters.items()}  # fmt: skip
            beside = leap.beside if leaps else {}
            tests.append((name, _played(name, rest | beside, fires, minutes=120, interval="15s")))
    return tests


def _played(name, series, fires, *, minutes, interval):
    asked = f'max_over_time(max(ALERTS{{alertname="{name}",alertstate="firing"}})[{minutes + 5}m:{interval}])'
    return {
        "interval": interval,
        "input_series": [{"series": each, "values": values} for each, values in series.items()],
        "promql_expr_test": [
            {
                "expr": asked,
                "eval_time": f"{minutes}m",
                "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
            }
        ],
    }
