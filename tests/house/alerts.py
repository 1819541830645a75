"""What makes each alert fire, and what must not: series as Prometheus would have scraped them, a value a minute."""

from __future__ import annotations

from dataclasses import dataclass

OBEYED = "aftercare_optout_effect_seconds_bucket"
WAITED = "aftercare_ratelimit_wait_seconds"
LATE = "aftercare_message_lateness_seconds"


@dataclass(frozen=True, slots=True)
class Cause:
    """`ill` makes the alert fire at some minute up to `within`; with `well` it stays silent."""

    ill: dict[str, str]
    well: dict[str, str]
    within: int = 15


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
    "UnknownOutcomes": gauge("aftercare_unknown_oldest_age_seconds", "1900x120", "1000x120"),
    "LedgerDrift": gauge("aftercare_ledger_drift", "1x120"),
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
        {f'{WAITED}_bucket{{scope="rate",le="{le}"}}': f"0+{n}x120" for le, n in (("300", 1), ("900", 9), ("+Inf", 9))},
        {f'{WAITED}_bucket{{scope="rate",le="{le}"}}': "0+9x120" for le in ("5", "900", "+Inf")},
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
    "TasksLate": gauge('aftercare_staff_tasks{state="late"}', "2x120", within=60),
    "HoldsOld": gauge("aftercare_hold_oldest_age_seconds", "180000x120", "1000x120", 90),
    "PausedLong": gauge("aftercare_pause_oldest_age_seconds", "90000x120", "1000x120", 90),
}  # fmt: skip


def rule_tests():
    """The same for `promtool test rules`: each alert fires in its own world, and is silent in the other."""
    tests = []
    for name, cause in ALERTS.items():
        for series, fires in ((cause.ill, True), (cause.well, False)):
            asked = f'max_over_time(max(ALERTS{{alertname="{name}",alertstate="firing"}})[{cause.within + 5}m:1m])'
            tests.append(
                {
                    "interval": "1m",
                    "input_series": [{"series": each, "values": values} for each, values in series.items()],
                    "promql_expr_test": [
                        {
                            "expr": asked,
                            "eval_time": f"{cause.within}m",
                            "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
                        }
                    ],
                }
            )
    return tests
