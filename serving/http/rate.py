"""How many tokens a second the workers score, measured all the time."""

from __future__ import annotations

import math
from typing import Final

_MEMORY_TOKENS: Final = 8192
_FULL_ENOUGH: Final = 0.5


class Rate:
    """Tokens a second of all workers together: an exponentially weighted mean over recent micro-batches.

    Each weighs by its tokens. Only those that fill half of the budget count: one short text alone takes as long as
    three of them, so thin traffic would make the server look slower than it is when it has to be fast.
    """

    def __init__(self, *, workers: int, batch_tokens: int, first: float, now: float) -> None:
        self.measured_at = now
        self._workers = workers
        self._least = batch_tokens * _FULL_ENOUGH
        self._of_one = first

    @property
    def tokens_per_second(self) -> float:
        """The rate of all workers together."""
        return self._of_one * self._workers

    def note(self, tokens: int, seconds: float, *, now: float) -> None:
        """Take in that one worker scored a micro-batch of `tokens` in `seconds`."""
        if tokens < self._least or seconds <= 0:
            return
        share = 1 - math.exp(-tokens / (_MEMORY_TOKENS * self._workers))
        self._of_one += share * (tokens / seconds - self._of_one)
        self.measured_at = now
