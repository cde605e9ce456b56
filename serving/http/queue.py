"""The queue of the server: it holds windows with their tokens, in the order in which they should be scored.

Each window has a key, the moment at which its turn comes: when its request arrived, plus `STRETCH` times as long as
scoring what the request asks for up to this window takes. So a short text overtakes the tail of a long one or of a
request of thousands, and a request that asks for much is interleaved with others as if it had been sent text by text
(start-time fair queueing, Goyal, Vin and Cheng, SIGCOMM 1996). The time added is at most `PATIENCE_SECONDS`, so
nothing is overtaken by what arrives later than that: no text starves, however many short ones come.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from model.classifier import ReadText

if TYPE_CHECKING:
    from model.errors import TextError
    from model.prediction import Prediction, Rejection

PATIENCE_SECONDS: Final = 1.0
"""How much later than a window a shorter one may arrive and still be scored before it."""

STRETCH: Final = 5.0
"""How long a text lets others before it, in times of what scoring it takes."""

_MOST_PADDING: Final = 1.5
_LOOK_PAST: Final = 32


@dataclass(slots=True, eq=False)
class Job:
    """The texts of one request on their way through the queue; `done` is called once, with answers or an error."""

    ids: list[str]
    read: list[ReadText | TextError]
    done: Callable[[list[Prediction | Rejection] | Exception], None]
    windows: list[list[int]] = field(init=False)
    tokens: int = field(init=False)
    waiting: int = 0
    unscored: int = field(init=False)
    logits: list[npt.NDArray[np.float32]] = field(init=False)
    over: bool = False
    queued_at: float = 0.0
    taken_at: float | None = None

    def __post_init__(self) -> None:
        self.windows = [window for each in self.read if isinstance(each, ReadText) for window in each.windows]
        self.tokens = sum(len(window) for window in self.windows)
        self.unscored = len(self.windows)
        self.logits = [_NOTHING] * len(self.windows)


_NOTHING: Final = np.empty(0, dtype=np.float32)


class Entry(NamedTuple):
    """One window in the queue; entries sort by key, then by arrival."""

    key: float
    number: int
    job: Job
    at: int
    tokens: int

    @property
    def window(self) -> list[int]:
        """The pieces to score."""
        return self.job.windows[self.at]


class TokenQueue:
    """Windows that wait. Not safe to use from several threads: whoever shares it holds a lock."""

    def __init__(self) -> None:
        self.tokens = 0
        self._heap: list[Entry] = []
        self._numbers = count()

    def add(self, job: Job, *, now: float, rate: float) -> None:
        """Let all windows of a job wait, the shortest first; `rate` is in tokens a second."""
        job.queued_at = now
        job.waiting = job.tokens
        self.tokens += job.tokens
        so_far = 0
        for at in sorted(range(len(job.windows)), key=lambda at: len(job.windows[at])):
            tokens = len(job.windows[at])
            so_far += tokens
            heapq.heappush(self._heap, Entry(turn(so_far, now=now, rate=rate), next(self._numbers), job, at, tokens))

    def ahead_of(self, key: float) -> int:
        """Tokens that wait with a turn before `key`."""
        return sum(entry.tokens for entry in self._heap if entry.key <= key and not entry.job.over)

    def take(self, budget: int) -> list[Entry]:
        """Take a micro-batch of at most `budget` padded tokens (or one window); nothing only if nothing waits.

        The first in the order is always in it. Those after it are, as long as they are of similar enough length: the
        rest of the row is padding, which takes as long to score as text.
        """
        batch: list[Entry] = []
        passed: list[Entry] = []
        longest = tokens = 0
        while self._heap and len(passed) < _LOOK_PAST and longest * (len(batch) + 1) <= budget:
            entry = heapq.heappop(self._heap)
            if entry.job.over:
                continue
            length = entry.tokens
            padded = max(longest, length) * (len(batch) + 1)
            if batch and (padded > budget or padded > _MOST_PADDING * (tokens + length)):
                passed.append(entry)
                continue
            batch.append(entry)
            longest, tokens = max(longest, length), tokens + length
            entry.job.waiting -= length
        for entry in passed:
            heapq.heappush(self._heap, entry)
        self.tokens -= tokens
        return batch

    def drop(self, job: Job) -> None:
        """Forget what waits of a job: its client has left, its deadline has passed, or a part of it failed."""
        # Its entries stay where they are until their turn, which is cheaper than to look for them.
        job.over = True
        self.tokens -= job.waiting
        job.waiting = 0


def turn(tokens: int, *, now: float, rate: float) -> float:
    """The key of a window that arrives `now`, `tokens` being those of its request up to and with it."""
    return now + min(PATIENCE_SECONDS, STRETCH * tokens / rate)
