"""How much of request bodies the server holds at a time, of all clients together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from serving.http.errors import ApiError, retry_after

BODIES: Final = 16
"""How many bodies of the largest size. What is queued is bounded by its tokens, which bodies only have once they are
read; without a bound of their own, a few hundred clients that never finish theirs would use up the memory."""


class BodyBudget:
    """Bytes that may still come in."""

    def __init__(self, max_body_bytes: int) -> None:
        self._left = BODIES * max_body_bytes

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """What one request calls with each number of bytes that came in; given back when the request is over.

        Raises (what is called):
            ApiError: 429 there is no room for more.
        """
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if size > self._left:
                raise ApiError(429, "queue_full", "too many large requests at once; come back later", retry_after(1))
            self._left -= size
            taken += size

        try:
            yield take
        finally:
            self._left += taken
