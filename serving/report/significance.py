"""Whether two shares differ by more than chance, and what is left of that after many looks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

Test = Literal["chi-square", "Fisher"]

_EXPECTED: Final = 5  # Cochran's rule: with fewer expected in a cell, the chi-square approximation is off
_SLACK: Final = 1 + 1e-7  # tables that are as likely as the one seen, but for rounding


def compare(count: int, of: int, other: int, of_other: int) -> tuple[float, Test]:
    """The two-sided p-value of `count` of `of` against `other` of `of_other`, and the test it is from.

    Pearson's chi-square test with one degree of freedom; Fisher's exact test where the smallest
    expected count is under 5.
    """
    total = of + of_other
    hits = count + other
    smallest = min(hits, total - hits) * min(of, of_other) / total
    if smallest < _EXPECTED:
        return _fisher(count, of, hits, total), "Fisher"
    gap = count * of_other - other * of
    statistic = gap * gap * total / (of * of_other * hits * (total - hits))
    return math.erfc(math.sqrt(statistic / 2)), "chi-square"


def _fisher(count: int, of: int, hits: int, total: int) -> float:
    """All tables with these margins that are no likelier than the one seen."""
    first, last = max(0, of + hits - total), min(of, hits)
    logs = [_log_choose(hits, k) + _log_choose(total - hits, of - k) for k in range(first, last + 1)]
    top = max(logs)
    weights = [math.exp(log - top) for log in logs]
    seen = weights[count - first] * _SLACK
    return min(1.0, math.fsum(weight for weight in weights if weight <= seen) / math.fsum(weights))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Each p-value as adjusted for all of them.

    Calling those up to 0.05 real makes at most 5 in 100 of the calls false (Benjamini and Hochberg,
    "Controlling the false discovery rate", 1995).
    """
    many = len(p_values)
    result = [1.0] * many
    least = 1.0
    for rank, index in sorted(enumerate(sorted(range(many), key=p_values.__getitem__), start=1), reverse=True):
        least = min(least, p_values[index] * many / rank)
        result[index] = least
    return result
