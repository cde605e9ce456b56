"""How many tokens a second the workers score, measured all the time."""

from __future__ import annotations

import math
from typing import Final

_MEMORY_TOKENS: Final = 8192
_ENOUGH_TOKENS: Final = 512


class Rate:
    """Tokens a second of all workers together: an exponentially weighted mean over spells of work without a pause.

    Each weighs by its tokens. Short ones count only if they were faster than the mean: in thin traffic each text is
    scored alone, and the server would look slower than it is when it has to be fast.
    """

    def __init__(self, *, workers: int, first: float, now: float) -> None:
        """`first` is the tokens a second of one of the workers while all of them score."""
        self.measured_at = now
        self._workers = workers
        self._of_one = first

    @property
    def tokens_per_second(self) -> float:
        """The rate of all workers together."""
        return self._of_one * self._workers

    def note(self, tokens: int, seconds: float, *, now: float) -> bool:
        """Take in that one worker scored `tokens` in `seconds`; False if that is too little to tell."""
        if seconds <= 0 or (tokens < _ENOUGH_TOKENS and tokens / seconds <= self._of_one):
            return False
        share = 1 - math.exp(-tokens / (_MEMORY_TOKENS * self._workers))
        self._of_one += share * (tokens / seconds - self._of_one)
        self.measured_at = now
        return True


class Load:
    """Tokens a second that came in of late, large requests counted in part: those do not overtake anything."""

    _SECONDS: Final = 5.0
    _MOST_SECONDS_OF_ONE: Final = 0.1

    def __init__(self) -> None:
        self._tokens = 0.0
        self._counted_at = 0.0

    def note(self, tokens: int, *, now: float, rate: float) -> None:
        """Take in that a request of `tokens` was let in."""
        self._tokens = self._left(now) + min(tokens, self._MOST_SECONDS_OF_ONE * rate)
        self._counted_at = now

    def tokens_per_second(self, now: float) -> float:
        """The mean over some seconds."""
        return self._left(now) / self._SECONDS

    def _left(self, now: float) -> float:
        return self._tokens * math.exp(-max(0.0, now - self._counted_at) / self._SECONDS)
