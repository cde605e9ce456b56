"""Who is let into the queue: those who can be answered in time. The others are told at once when to come back."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from serving.http.errors import ApiError, retry_after
from serving.http.queue import STRETCH, Entry, Job, TokenQueue, turn
from serving.http.rate import Load, Rate

_STALE_SECONDS: Final = 10.0


@dataclass(slots=True)
class Admission:
    """A queue and the rule for joining it. Not safe to use from several threads: whoever shares it holds a lock.

    All moments are those of one clock, in seconds.
    """

    rate: Rate
    queue_seconds: float
    """Work that may come before a newcomer, in seconds that it takes."""
    deadline_seconds: float
    queue: TokenQueue = field(default_factory=TokenQueue)
    in_hand: int = 0
    """Tokens that were taken and are not scored yet; whoever has scored them counts them down."""
    _load: Load = field(default_factory=Load)

    def require_room(self, *, now: float) -> None:
        """Let a newcomer in if not too much comes before it; alike for all, however long their texts.

        What comes before is counted, not all that waits: a request of a thousand texts shuts nobody out.

        Raises:
            ApiError: 429 the queue is full.
        """
        most = self.queue_seconds * self.rate.tokens_per_second
        if self.in_hand + self.queue.tokens <= most:
            return
        ahead = self.in_hand + self.queue.ahead_of(now)
        if ahead > most:
            seconds = (ahead - most) / self.rate.tokens_per_second
            raise ApiError(429, "queue_full", "the queue is full; come back later", retry_after(seconds))

    def admit(self, job: Job, *, now: float, deadline: float) -> None:
        """Queue a job that can be finished by `deadline`.

        Raises:
            ApiError: 429 the queue is full, 503 the job cannot be finished in time, 413 no deadline would be enough.
        """
        self.require_room(now=now)
        rate = self.rate.tokens_per_second
        own = job.tokens / rate
        if own > self.deadline_seconds:
            message = (
                f"the texts take about {math.ceil(own)} seconds of the {self.deadline_seconds:.0f} that a request has; "
                "send fewer at once"
            )
            raise ApiError(413, "too_much_text", message)
        late = now + self._seconds_for(job.tokens, now=now) - deadline
        if late > 0:
            message = "the texts cannot be scored before the deadline; come back later"
            raise ApiError(503, "too_late", message, retry_after(late))
        self._load.note(job.tokens, now=now, rate=rate)
        self.queue.add(job, now=now, rate=rate)

    def take(self, budget: int) -> list[Entry]:
        """A micro-batch, in hand from now on; see `TokenQueue.take`."""
        batch = self.queue.take(budget)
        self.in_hand += sum(entry.tokens for entry in batch)
        return batch

    def should_measure(self, *, now: float) -> bool:
        """Whether nothing is going on, and the rate so old that refusing by it would not be fair."""
        return not self.in_hand and not self.queue.tokens and now - self.rate.measured_at > _STALE_SECONDS

    def _seconds_for(self, tokens: int, *, now: float) -> float:
        """How long a newcomer of `tokens` takes, with what stands before it and what will overtake it."""
        rate = self.rate.tokens_per_second
        last = turn(tokens, now=now, rate=rate)
        undisturbed = (tokens + self.in_hand + self.queue.ahead_of(last)) / rate
        share = min(1.0, self._load.tokens_per_second(now) / rate)
        overtaken_all_the_time = undisturbed / (1 - share) if share < 1 else math.inf
        return min(overtaken_all_the_time, undisturbed + share * STRETCH * tokens / rate)
