"""The status as a terminal shows it: what is late or missing first, then who works and how the day goes."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from worker.reading.day import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

BARS = " ▁▂▃▄▅▆▇█"
LATE, SILENT = 900, 120  # seconds, as the alerts have them


def lines(said: dict[str, Any]) -> list[str]:
    """Every line, in order."""
    return [
        *_channels(said),
        *_people(said),
        *_feeds(said),
        *_parts(said),
        *_day(said),
        *today(said["today"]),
        *_paused(said),
        *_circuits(said),
    ]


def _channels(said: dict[str, Any]) -> Iterator[str]:
    for name, each in said["channels"].items():
        mark = "!" if each["oldest_due_seconds"] > LATE else " "
        yield (
            f"{mark}{name:6} due now {each['due_now']:>6}   oldest {each['oldest_due_seconds']:>7.0f} s   "
            f"next {_minute(each['next_due_at'])}"
        )
    yield (
        f" in flight {said['in_flight']}   unknown {said['unknown']}   unconfirmed {said['unconfirmed']}   "
        f"held {said['held']}   tasks open {said['tasks_open']}   late {said['tasks_overdue']}"
    )


def _people(said: dict[str, Any]) -> Iterator[str]:
    copies = said["copies"]
    if said["drift"] or any(copies.values()):
        yield (
            f"!ledger drift {said['drift']}   copies at the provider: {copies['pending']} to delete, "
            f"{copies['failed']} given up"
        )
    for each in said["inbound_lists"]:
        if each["failures"]:
            yield (
                f"!list of incoming texts {each['name']}: {each['behind_seconds']:.0f} s behind, "
                f"failed {each['failures']} times ({each['code']})"
            )


def _feeds(said: dict[str, Any]) -> Iterator[str]:
    for each in said["feeds"]:
        if each["alarms"]:
            held = ", reminders are held" if each["holds"] else ""
            silent = f"silent for {each['silent_seconds'] / 3600:.0f} h"
            yield f"!calendar {each['source']} of {each['clinic']}: {silent}{held}"


def _parts(said: dict[str, Any]) -> Iterator[str]:
    workers, broker = said["workers"], said["broker"]
    taken = "  ".join(f"{queue} {many}" for queue, many in said["consumers"].items())
    mark = " " if workers and all(said["consumers"].values()) else "!"
    yield f"{mark}worker processes {len(workers)}   takers: {taken}"
    for each in workers:
        shift = f"{each['shift_seconds']:.2f} s" if each["shift_seconds"] is not None else "-"
        up, seen = _span(each["up_seconds"]), f"{each['seen_seconds']:.0f} s ago"
        worked = "never" if each["worked_seconds"] is None else f"{_span(each['worked_seconds'])} ago"
        yield f"   {each['name']}   up {up}   seen {seen}   worked {worked}   last shift {shift}"
    for what, key in (("tick of a beat", "last_tick_seconds"), ("look for due messages", "last_sweep_seconds")):
        age = said[key]
        mark = "!" if age is None or age > SILENT else " "
        yield f"{mark}last {what} {'never' if age is None else _span(age) + ' ago'}"
    if not said["broker_is_redis"]:
        return
    if broker is None:
        yield "!Redis does not answer: STOPs are kept all the same, sends wait"
        return
    depth = "  ".join(f"{queue} {many}" for queue, many in broker["depth"].items())
    yield f"{' ' if broker['evicts_nothing'] else '!'}Redis {broker['version']}   hints waiting: {depth}"


def _day(said: dict[str, Any]) -> Iterator[str]:
    day = said["day"]
    yield f" 24 hours: {day['went']} went of {day['called']} calls; the next 24 bring {_many(day['coming'])}"
    if said["hours"]:
        yield f" by the hour  {_bars(said, 'called')}  calls"
        worst = max(each["latest_seconds"] for each in said["hours"])
        yield f"              {_bars(said, 'latest_seconds')}  latest, at most {worst:.0f} s"


def today(said: dict[str, Any]) -> Iterator[str]:
    """A line for each channel: what went of what the day was meant to bring, and what became of the rest."""
    if not said["whole"]:
        yield f" today: more than {said['most']:,} messages, too many to count here"
    for name, each in said["channels"].items():
        rest = "".join(f", {each[kind]} {kind.replace('_', ' ')}" for kind in KINDS[1:] if each[kind])
        mark = "!" if each["late"] else " "
        yield f"{mark}today ({said['zone']}) {name:6} {each['went']} of {each['meant']} went{rest}"


def _bars(said: dict[str, Any], field: str) -> str:
    """24 bars, the last one is the hour that runs; both channels together."""
    values: Counter[datetime] = Counter()
    for each in said["hours"]:
        hour = datetime.fromisoformat(each["hour"])
        values[hour] = max(values[hour], each[field]) if field == "latest_seconds" else values[hour] + each[field]
    last = datetime.fromisoformat(said["now"]).replace(minute=0, second=0, microsecond=0)
    row = [values[last - timedelta(hours=ago)] for ago in range(23, -1, -1)]
    most = max(row) or 1
    return "".join(BARS[min(8, -(-int(value * 8) // int(most + 1))) if value else 0] for value in row)


def _paused(said: dict[str, Any]) -> Iterator[str]:
    for each in said["paused"]:
        yield f"!paused: {each['plain']} by {each['by']}: {each['why']}"


def _circuits(said: dict[str, Any]) -> Iterator[str]:
    for each in said["circuits"]:
        probing = each["state"] == "half_open"
        then = "one message asks now" if probing else f"tried again at {each['tried_again_at'][:16]} UTC"
        yield f"!refused: {each['channel']} sender {each['sender']} of {each['clinic']}: {then}"


def _span(seconds: float) -> str:
    minutes = int(seconds) // 60
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"  # noqa: PLR2004 - two hours read better as hours


def _minute(moment: str | None) -> str:
    """A moment of the JSON as people read it, still UTC; "-" for none."""
    return f"{moment[:10]} {moment[11:16]} UTC" if moment else "-"


def _many(number: int) -> str:
    return "more than 10,000" if number > 10_000 else str(number)  # noqa: PLR2004 - where counting ends
