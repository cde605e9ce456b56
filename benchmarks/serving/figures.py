"""What the requests of a load amount to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from benchmarks.serving.plan import DOUBLED, LOST, RIGHT, UNANSWERED, WRONG, Flags, Numbers, Plan, Record

REFUSED: Final = (429, 503)
"""The statuses by which a server says that it has too much to do."""

_NORMAL: Final = 2.0
_NORMAL_IN_A_ROW: Final = 5


def closed_loop(record: Record, plan: Plan) -> dict[str, Any]:
    """Throughput, latency and statuses of what ended in the measured seconds."""
    counted = _within(record.ended, plan)
    return {
        "texts_per_second": int((counted & record.good).sum()) / plan.seconds,
        **_latency(record, counted),
        "statuses": _statuses(record, counted),
        "ids": ids(record),
    }


def open_loop(record: Record, plan: Plan, *, deadline: float) -> dict[str, Any]:
    """Throughput of what ended in the measured seconds; latency and statuses of what was due in them.

    `goodput` are right answers a second, given within `deadline` seconds.
    """
    due = _within(record.due, plan) & ~record.probes
    answered = _within(record.ended, plan) & ~record.probes & record.good
    return {
        "arrivals_per_second": int(due.sum()) / plan.seconds,
        "texts_per_second": int(answered.sum()) / plan.seconds,
        "goodput": int((answered & (record.milliseconds <= deadline * 1000)).sum()) / plan.seconds,
        **_latency(record, due),
        "statuses": _statuses(record, due),
        "ids": ids(record),
        # The load generator shares the cores with the server: how late it was itself.
        "sent_late_p99_ms": _percentile((record.sent - record.due)[due] * 1000, 99),
    }


def overload(record: Record, plan: Plan) -> dict[str, Any]:
    """How fast refusals were answered, and how many seconds after the load light requests took as long as before it.

    Normal is within twice the median of the light requests before the load, five times in a row; the seconds are
    those from the load's end to the moment when the first of the five was due, null if it did not come to that.
    """
    refused = np.isin(record.status, REFUSED) & ~record.probes
    taken = record.milliseconds[refused]
    end = plan.warm_up + plan.seconds
    before = record.probes & (record.due < 0) & record.good
    after = record.probes & (record.due >= end - 1e-6)
    idle = float(np.median(record.milliseconds[before])) if before.any() else None
    normal = record.good & (record.milliseconds <= _NORMAL * (idle or 0.0))
    return {
        "refusals": int(refused.sum()),
        "refusal_p99_ms": _percentile(taken, 99),
        "refusal_max_ms": _percentile(taken, 100),
        "refusal_from_sending_max_ms": _percentile((record.ended - record.sent)[refused] * 1000, 100),
        "idle_median_ms": idle,
        "back_to_normal_seconds": _first_lasting(record.due[after] - end, normal[after]),
    }


def ids(record: Record) -> dict[str, int]:
    """How many ids were lost, doubled or wrong; what was refused with a status counts as answered."""
    unanswered = int((record.status == UNANSWERED).sum())
    without = int(((record.status == 200) & (record.answer == LOST)).sum())
    return {
        "right": int((record.answer == RIGHT).sum()),
        "lost": unanswered + without,
        "doubled": int((record.answer == DOUBLED).sum()),
        "wrong": int((record.answer == WRONG).sum()),
    }


def by_text(record: Record) -> dict[int, float]:
    """Milliseconds of the first right answer to each text."""
    found: dict[int, float] = {}
    for at in np.flatnonzero(record.good & ~record.probes):
        found.setdefault(int(record.text[at]), float(record.milliseconds[at]))
    return found


def overhead(served: dict[int, float], direct: dict[int, float]) -> dict[str, Any]:
    """What a server adds to scoring: the median over the texts that both have timed."""
    both = sorted(served.keys() & direct.keys())
    return {
        "texts": len(both),
        "served_median_ms": _percentile(_array(served[at] for at in both), 50),
        "direct_median_ms": _percentile(_array(direct[at] for at in both), 50),
        "overhead_ms": _percentile(_array(served[at] - direct[at] for at in both), 50),
    }


def _latency(record: Record, counted: Flags) -> dict[str, float | None]:
    # What never got an answer took at least as long as it was waited for; leaving it out would flatter who drops it.
    taken = record.milliseconds[counted & (record.good | (record.status == UNANSWERED))]
    return {f"p{part}_ms": _percentile(taken, part) for part in (50, 95, 99)}


def _statuses(record: Record, counted: Flags) -> dict[str, int]:
    found = Counter(int(status) for status in record.status[counted])
    return {"unanswered" if status == UNANSWERED else str(status): found[status] for status in sorted(found)}


def _within(moments: Numbers, plan: Plan) -> Flags:
    found: Flags = (moments >= plan.warm_up) & (moments <= plan.warm_up + plan.seconds)
    return found


def _first_lasting(moments: Numbers, normal: Flags) -> float | None:
    for at in range(len(moments) - _NORMAL_IN_A_ROW + 1):
        if normal[at : at + _NORMAL_IN_A_ROW].all():
            return max(0.0, float(moments[at]))
    return None


def _percentile(values: Numbers, part: float) -> float | None:
    return float(np.percentile(values, part)) if len(values) else None


def _array(values: Iterable[float]) -> Numbers:
    return np.array(list(values), dtype=np.float64)
