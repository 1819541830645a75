"""What makes each alert fire, and what must not: series as Prometheus would have scraped them, a value a minute.

And what one leap of a counter does, at the shipped scrape of 15 seconds: seen as it happens, or found after a gap. And
stories of hours and days in which an alert fires at one time and not at another.
"""

from __future__ import annotations

from dataclasses import dataclass, field

OBEYED = "aftercare_optout_effect_seconds_bucket"
WAITED = "aftercare_ratelimit_wait_seconds"
CALLS = 'aftercare_messages_total{channel="sms",outcome="%s"}'
LATE = "aftercare_message_lateness_seconds"
NEWEST = "aftercare_sent_after_optout_newest_timestamp_seconds"
TWICE = "aftercare_duplicate_sends_total"
SWEPT, TICKED = "aftercare_sweep_last_success_timestamp_seconds", "aftercare_beat_last_tick_timestamp_seconds"
READY = "aftercare_schema_ready"
STOPS = 'aftercare_optout_events_total{reason="keyword"}'
DAY = 288  # of five minutes: Prometheus forgets a series after these, so no story can be told in longer steps


@dataclass(frozen=True, slots=True)
class Cause:
    """`ill` makes the alert fire at some minute up to `within`; with `well` it stays silent."""

    ill: dict[str, str]
    well: dict[str, str]
    within: int = 15
    every: str = "1m"


@dataclass(frozen=True, slots=True)
class Leap:
    """Counters that leap once, each from one value to another, and rest; whether that alone makes the alert fire.

    `seen`: it happens between two scrapes. `unseen`: it happens while a quarter of an hour brings no scrape.
    """

    counters: dict[str, tuple[int, int]]
    seen: bool
    unseen: bool
    beside: dict[str, str] = field(default_factory=dict)
    before: int = 20  # how often it was scraped before
    minutes: int = 120  # when it is asked
    every: str = "15s"


@dataclass(frozen=True, slots=True)
class Story:
    """When an alert fires and when not: by spans of minutes, each from its first to its last."""

    alert: str
    series: dict[str, str]
    fires: dict[tuple[int, int], bool]
    every: str = "1m"


def gauge(series, ill, well="0x120", within=15):
    """One gauge that is wrong from the start."""
    return Cause({series: ill}, {series: well}, within)


ALERTS = {
    "SentAfterStop": gauge(NEWEST, "_x3 180x120", within=6),
    "SentTwice": gauge(TWICE, "0x3 1x120", within=6),
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
    "SchemaBehind": gauge(READY, "0x120", "1x4 0 1x120", 5),
    "WorkerUnseen": Cause(
        {'up{job="aftercare-worker",instance="a"}': "1x120", 'up{job="aftercare-worker",instance="b"}': "0x120"},
        {'up{job="aftercare-worker",instance="a"}': "1x120", "aftercare_workers": "2x120"},
    ),
    "SweepStopped": gauge(SWEPT, "0x120", "0+60x120"),
    "NoWorker": Cause(
        {"aftercare_workers": "0x120", 'aftercare_due_backlog{channel="sms"}': "3x120"},
        {"aftercare_workers": "2x120", 'aftercare_due_backlog{channel="sms"}': "3x120"},
    ),
    "BeatSilent": gauge(TICKED, "0x120", "0+60x120"),
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
    "RetentionBehind": gauge(
        'aftercare_retention_overdue_seconds{store="inbound.body"}', "300000x120", "90000x120", 90
    ),
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
    "OptOutsMany": Cause({STOPS: f"0+0.01x{8 * DAY} 24+1x200"}, {STOPS: f"3x{9 * DAY}"}, 12_000, "5m"),
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
    "SentTwice": Leap({TWICE: (0, 1)}, seen=True, unseen=True),
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
    "OptOutsMany": Leap({STOPS: (3, 20)}, seen=True, unseen=True, before=9 * DAY, minutes=13_440, every="5m"),
}  # fmt: skip
"""Every alert that asks how much a counter rose."""

STORIES = (
    # a first case, on a quiet day; it is told for ten minutes
    Story("SentAfterStop", {NEWEST: "0x20 1260x60"}, {(0, 20): False, (21, 22): True, (35, 80): False}),
    # a case while nothing was scraped
    Story("SentAfterStop", {NEWEST: "0x20 _x30 2400x60"}, {(0, 20): False, (51, 52): True, (65, 100): False}),
    # an old case, and three minutes without the database
    Story("SentAfterStop", {NEWEST: "60x80 stale _x11 60x120"}, {(0, 5): True, (15, 200): False}),
    # its client opts in again, or five hundred stops have come since: an older case is the newest, or none
    Story("SentAfterStop", {NEWEST: "60x80 30x60 0x60"}, {(15, 200): False}),
    # a second case an hour later
    Story("SentAfterStop", {NEWEST: "0x20 1260x59 4860x30"}, {(21, 22): True, (40, 80): False, (81, 82): True}),
    # the same, when the first is no longer one: by how many there are, one after the other is no news
    Story("SentAfterStop", {NEWEST: "0x20 1260x29 0x29 4860x30"}, {(21, 22): True, (40, 80): False, (81, 82): True}),
    # the web part's address changes
    Story("SentAfterStop", {f'{NEWEST}{{instance="a"}}': "60x80 stale", f'{NEWEST}{{instance="b"}}': "_x80 60x80"},
          {(15, 150): False}),
    # a case of nine days ago is among the newest stops once more
    Story("SentAfterStop", {NEWEST: f"3000x20 0x{9 * DAY} 3000x{DAY}"}, {(120, 13_500): False}, "5m"),
    # a case of three days ago, all of them without a scrape
    Story("SentAfterStop", {NEWEST: f"0x20 _x{3 * DAY} 9000x20"}, {(0, 100): False, (4430, 4430): True}, "5m"),
    # a worker that has counted once, and a gap
    Story("SentTwice", {TWICE: "1x80 _x11 1x200"}, {(70, 280): False}),
    Story("SentTwice", {TWICE: "1x80 stale _x11 2x200"}, {(70, 90): False, (93, 95): True, (170, 280): False}),
    # a house that was just made: nobody ever ticked or looked
    Story("BeatSilent", {READY: "1x60"}, {(4, 60): True}),
    Story("SweepStopped", {READY: "1x60"}, {(2, 60): True}),
    # the same with missing tables, or with the database away: other alerts tell
    Story("BeatSilent", {READY: "0x60"}, {(0, 60): False}),
    Story("SweepStopped", {READY: "0x60"}, {(0, 60): False}),
    Story("BeatSilent", {READY: "1x20 stale _x20 1x60", TICKED: "0+60x20 stale _x20 2520+60x60"}, {(0, 100): False}),
    Story("SweepStopped", {READY: "1x20 stale _x20 1x60", SWEPT: "0+60x20 stale _x20 2520+60x60"}, {(0, 100): False}),
    # seventeen stops a day from the first day on, then fifty
    Story("OptOutsMany", {STOPS: f"0+0.059x{10 * DAY} 170+0.174x{DAY}"},
          {(0, 14_400): False, (15_600, 15_840): True}, "5m"),
)  # fmt: skip
"""What no single value tells."""


def rule_tests():
    """For `promtool test rules`, each with its alert: it fires in its own world, and is silent in the other."""
    tests = []
    for name, cause in [*ALERTS.items(), *ALSO.items()]:
        for series, fires in ((cause.ill, True), (cause.well, False)):
            tests.append((name, _played(name, series, {(-5, cause.within): fires}, cause.every)))
    return tests


def leap_tests():
    """The same for one leap: seen, unseen, and a gap after which nothing has changed."""
    tests = []
    for name, leap in LEAPS.items():
        for gap, leaps, fires in (("", True, leap.seen), (" _x60", True, leap.unseen), (" _x60", False, False)):
            rest = {series: f"{low}x{leap.before}{gap} {high if leaps else low}x480"
                    for series, (low, high) in leap.counters.items()}  # fmt: skip
            beside = leap.beside if leaps else {}
            tests.append((name, _played(name, rest | beside, {(-5, leap.minutes): fires}, leap.every)))
    return tests


def story_tests():
    """The same for each story."""
    return [(each.alert, _played(each.alert, each.series, each.fires, each.every)) for each in STORIES]


def _played(name, series, spans, interval):
    """Each span of minutes in which it fires at some time, or at none."""
    firing = f'max(ALERTS{{alertname="{name}",alertstate="firing"}})'
    return {
        "interval": interval,
        "input_series": [{"series": each, "values": values} for each, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f"max_over_time({firing}[{max(1, last - first)}m:{interval}])",
                "eval_time": f"{last}m",
                "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
            }
            for (first, last), fires in spans.items()
        ],
    }
