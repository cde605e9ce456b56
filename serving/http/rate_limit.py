"""How many texts a minute one key may send."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from serving.http.errors import ApiError, retry_after


@dataclass(slots=True)
class _Budget:
    texts: float
    counted_at: float


class RateLimit:
    """A bucket of texts a key, filled evenly and holding a minute's worth; keys are few, so none is forgotten.

    A request of more than that needs a full bucket and leaves a debt, so that a limit of ten does not shut out a
    request of eleven for good.
    """

    def __init__(self, texts_per_minute: int | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = texts_per_minute
        self._clock = clock
        self._budgets: dict[str, _Budget] = {}

    def spend(self, key: str, texts: int) -> None:
        """Take `texts` from a key's bucket.

        Raises:
            ApiError: 429 the bucket does not hold as many.
        """
        if self._most is None:
            return
        now = self._clock()
        budget = self._budgets.setdefault(key, _Budget(self._most, now))
        a_second = self._most / 60
        budget.texts = min(self._most, budget.texts + (now - budget.counted_at) * a_second)
        budget.counted_at = now
        missing = min(texts, self._most) - budget.texts
        if missing > 0:
            message = f"a key may send {self._most} texts a minute; come back later"
            raise ApiError(429, "rate_limited", message, retry_after(missing / a_second))
        budget.texts -= texts

    def give_back(self, key: str, texts: int) -> None:
        """Put back what was spent on a request that was then refused."""
        if self._most is not None:
            budget = self._budgets[key]
            budget.texts = min(self._most, budget.texts + texts)
