"""How far a share counted on some texts may be from the share of all texts like them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

Z: Final = 1.959963984540054
"""The normal quantile of an interval that holds the truth 95 times in 100."""


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `of` texts, with the 95 % interval of the share from 0 to 1."""

    count: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share itself, 0 where there are no texts."""
        return self.count / self.of if self.of else 0.0


def share_of(count: int, of: int) -> Share:
    """A share with its Wilson score interval; of no texts, anything from 0 to 1.

    The interval stays within 0 and 1 and holds for few texts too (Wilson, "Probable inference, the law of
    succession, and statistical inference", 1927).
    """
    if not of:
        return Share(0, 0, 0.0, 1.0)
    share = count / of
    middle = share + Z * Z / (2 * of)
    reach = Z * math.sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    scale = 1 + Z * Z / of
    # At the ends rounding would leave a hair beyond them.
    low = 0.0 if count == 0 else (middle - reach) / scale
    high = 1.0 if count == of else (middle + reach) / scale
    return Share(count, of, low, high)


def difference(one: Share, other: Share) -> tuple[float, float, float]:
    """`one` minus `other`, and the lower and upper end of its 95 % interval.

    Newcombe's hybrid of two Wilson intervals, method 10 of "Interval estimation for the difference between
    independent proportions" (1998).
    """
    middle = one.share - other.share
    below = math.hypot(one.share - one.low, other.high - other.share)
    above = math.hypot(one.high - one.share, other.share - other.low)
    return middle, middle - below, middle + above
