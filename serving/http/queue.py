"""The queue of the server: it holds the tokens of texts, in the order in which they should be scored.

Texts are cut into windows, and each window has a turn, a moment in time: when its request arrived, plus `STRETCH`
times as long as scoring the request up to and with it takes. So a short text overtakes the tail of a long one or of a
request of thousands, which is interleaved with others as if it were sent text by text, and nothing waits for what
arrives after its turn: however many short texts come, a request of any size gets its share (after start-time fair
queueing: Goyal, Vin and Cheng, SIGCOMM 1996; with clock time for virtual time, so that nothing is overtaken for ever).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from model.classifier import ReadText

if TYPE_CHECKING:
    from model.errors import TextError
    from model.prediction import Prediction, Rejection

STRETCH: Final = 5.0
"""How long a text lets others before it, in times of what scoring it takes."""

RUN_TOKENS: Final = 5
"""What a run of the model takes beside its tokens, in tokens: of the shipped weights, on two cores of an AMD EPYC."""

_LOOK_PAST: Final = 64
_BINS_A_SECOND: Final = 20
_FEW_DEAD: Final = 64
_NOTHING: Final = np.empty(0, dtype=np.float32)


@dataclass(slots=True, eq=False)
class Job:
    """The texts of one request on their way through the queue; `done` is called once, with answers or an error."""

    ids: list[str]
    read: list[ReadText | TextError]
    done: Callable[[list[Prediction | Rejection] | Exception], None]
    pending: list[tuple[int, list[int]]] = field(init=False)
    """Positions and windows that still wait, the next one last."""
    tokens: int = field(init=False)
    unscored: int = field(init=False)
    logits: list[npt.NDArray[np.float32]] = field(init=False)
    over: bool = False
    queued_at: float = 0.0
    rate: float = 1.0
    taken_at: float | None = None
    taken_tokens: int = 0

    def __post_init__(self) -> None:
        windows = [window for each in self.read if isinstance(each, ReadText) for window in each.windows]
        self.pending = sorted(enumerate(windows), key=lambda each: len(each[1]))[::-1]
        self.tokens = sum(len(window) for window in windows)
        self.unscored = len(windows)
        self.logits = [_NOTHING] * len(windows)

    def next_turn(self) -> float:
        """The turn of the next window that waits."""
        return turn(self.taken_tokens + len(self.pending[-1][1]), now=self.queued_at, rate=self.rate)


class Entry(NamedTuple):
    """One window that was taken from the queue; its logits belong at `at` of its job's."""

    job: Job
    at: int
    window: list[int]

    @property
    def tokens(self) -> int:
        """How long it is."""
        return len(self.window)


class TokenQueue:
    """Jobs that wait, window by window. Not safe to use from several threads: whoever shares it holds a lock."""

    def __init__(self) -> None:
        self.tokens = 0
        self._heap: list[tuple[float, int, Job]] = []
        self._arrivals = 0
        self._dead = 0
        # Tokens by turn, in bins of a twentieth of a second: to look through those is quicker than through all jobs.
        self._by_turn: Counter[int] = Counter()

    def add(self, job: Job, *, now: float, rate: float) -> None:
        """Let all windows of a job wait, the shortest first; `rate` is in tokens a second."""
        job.queued_at, job.rate = now, rate
        self.tokens += job.tokens
        for bin_, tokens in _bins(job):
            self._by_turn[bin_] += tokens
        self._push(job)

    def ahead_of(self, moment: float) -> int:
        """Tokens that wait with a turn up to `moment`, to a twentieth of a second."""
        last = _bin(moment)
        return sum(tokens for bin_, tokens in self._by_turn.items() if bin_ <= last)

    def take(self, budget: int) -> list[Entry]:
        """Take a micro-batch of at most `budget` padded tokens (or one window); nothing only if nothing waits.

        The first in the order is always in it. Those after it are where that saves time: padding takes as long to score
        as text, so it must be less than what a run of their own takes beside their tokens.
        """
        batch: list[Entry] = []
        passed: list[tuple[float, int, Job]] = []
        longest = 0
        while self._heap and len(passed) < _LOOK_PAST and longest * (len(batch) + 1) <= budget:
            first = heapq.heappop(self._heap)
            job = first[-1]
            if job.over:
                self._dead -= 1
                continue
            length = len(job.pending[-1][1])
            padded = max(longest, length) * (len(batch) + 1)
            if batch and (padded > budget or padded - longest * len(batch) - length > RUN_TOKENS):
                passed.append(first)
                continue
            batch.append(self._pop(job, number=first[1]))
            longest = max(longest, length)
        for each in passed:
            heapq.heappush(self._heap, each)
        return batch

    def drop(self, job: Job) -> None:
        """Forget what waits of a job: its client has left, its deadline has passed, or a part of it failed."""
        if job.over:
            return
        job.over = True
        if not job.pending:
            return
        for bin_, tokens in _bins(job):
            self._forget(bin_, tokens)
        job.pending.clear()
        # Its place in the heap stays until its turn, which is cheaper than to look for it; but not if there are many.
        self._dead += 1
        if self._dead > max(_FEW_DEAD, len(self._heap) // 2):
            self._heap = [each for each in self._heap if not each[-1].over]
            heapq.heapify(self._heap)
            self._dead = 0

    def _push(self, job: Job, *, number: int | None = None) -> None:
        if number is None:
            self._arrivals += 1
            number = self._arrivals
        heapq.heappush(self._heap, (job.next_turn(), number, job))

    def _pop(self, job: Job, *, number: int) -> Entry:
        bin_ = _bin(job.next_turn())
        at, window = job.pending.pop()
        job.taken_tokens += len(window)
        self._forget(bin_, len(window))
        if job.pending:
            self._push(job, number=number)
        return Entry(job, at, window)

    def _forget(self, bin_: int, tokens: int) -> None:
        self.tokens -= tokens
        self._by_turn[bin_] -= tokens
        if not self._by_turn[bin_]:
            del self._by_turn[bin_]


def turn(tokens: int, *, now: float, rate: float) -> float:
    """The turn of a window that arrives `now`, `tokens` being those of its request up to and with it."""
    return now + STRETCH * tokens / rate


def _bin(moment: float) -> int:
    return int(moment * _BINS_A_SECOND)


def _bins(job: Job) -> Iterator[tuple[int, int]]:
    so_far = job.taken_tokens
    for _, window in reversed(job.pending):
        so_far += len(window)
        yield _bin(turn(so_far, now=job.queued_at, rate=job.rate)), len(window)
