"""The threads that score: each takes a micro-batch the moment it is free, and is replaced if it dies.

Threads and not processes: onnxruntime lets go of the GIL while it runs, so threads use every core, share one copy of
the weights, and hand texts over without copying them. The price is that a fault in native code takes the whole server
with it; that is left to what supervises the process, which has to exist in any case.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from serving.http.admission import require_room, require_time
from serving.http.errors import ApiError
from serving.http.queue import Entry, Job, TokenQueue, turn
from serving.http.traces import trace

if TYPE_CHECKING:
    from model.classifier import Classifier
    from serving.http.metrics import Metrics
    from serving.http.rate import Rate

logger = logging.getLogger("rida.http")

_SMALLEST_SHARE: Final = 128

Scored = npt.NDArray[np.float32] | Exception


class Worker(threading.Thread):
    """One thread, and the micro-batch that it holds."""

    def __init__(self, work: Callable[[Worker], None]) -> None:
        # Not a daemon: a process that ends under a thread in native code aborts. So a stopping one lets the run end.
        super().__init__(name="rida-scoring", daemon=False)
        self.batch: list[Entry] = []
        self._work = work

    def run(self) -> None:
        """Work until there is nothing more to come."""
        self._work(self)


class Workers:
    """The queue with those who empty it; safe to use from several threads."""

    def __init__(self, classifier: Classifier, *, count: int, batch_tokens: int, rate: Rate, metrics: Metrics) -> None:
        self._classifier = classifier
        self._batch_tokens = batch_tokens
        self._rate = rate
        self._metrics = metrics
        self._queue = TokenQueue()
        self._changed = threading.Condition()
        self._idle = 0
        self._closed = False
        self._count = count
        self._threads: set[Worker] = set()

    @property
    def waiting_tokens(self) -> int:
        """Tokens that wait in the queue."""
        return self._queue.tokens

    def start(self) -> None:
        """Start the threads; the process does not end before `close` has been called."""
        for _ in range(self._count):
            self._hire()

    def require_room(self, *, queue_tokens: int) -> None:
        """See `admission.require_room`; asked before a request is read, so that refusals cost little.

        Raises:
            ApiError: 429 the queue is full.
        """
        with self._changed:
            ahead = self._ahead(0, time.monotonic(), enough=queue_tokens)
            require_room(ahead, queue_tokens=queue_tokens, rate=self._rate.tokens_per_second)

    def add(self, job: Job, *, queue_tokens: int, deadline: float) -> None:
        """Queue a job that can be finished by `deadline`, in the time of `time.monotonic`.

        Raises:
            ApiError: 429 the queue is full, 503 the job cannot be finished in time.
        """
        with self._changed:
            now = time.monotonic()
            rate = self._rate.tokens_per_second
            # Room is judged alike for all, or an overloaded server would have none but for short texts.
            require_room(self._ahead(0, now, enough=queue_tokens), queue_tokens=queue_tokens, rate=rate)
            require_time(
                job.tokens,
                self._ahead(job.tokens, now),
                seconds_left=deadline - now,
                rate=rate,
                seconds_since_measured=now - self._rate.measured_at,
            )
            self._queue.add(job, now=now, rate=rate)
            self._changed.notify(len(job.windows))

    def drop(self, job: Job) -> None:
        """Do not score what still waits of a job, whose asker has left."""
        with self._changed:
            self._queue.drop(job)

    def close(self) -> None:
        """Let the threads end after what they are scoring; does not wait for it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _ahead(self, tokens: int, now: float, *, enough: int | None = None) -> int:
        in_hand = sum(entry.tokens for worker in self._threads for entry in worker.batch)
        if enough is not None and in_hand + self._queue.tokens <= enough:
            return 0
        return in_hand + self._queue.ahead_of(turn(tokens, now=now, rate=self._rate.tokens_per_second))

    def _hire(self) -> None:
        worker = Worker(self._work)
        self._threads.add(worker)
        worker.start()

    def _work(self, worker: Worker) -> None:
        try:
            while self._take(worker):
                self._score(worker.batch)
                worker.batch = []
        except BaseException as error:
            # Its message, and what the interpreter would print of it, may quote a text.
            logger.error("a scoring worker died and is replaced: %s", trace(error))
        with self._changed:
            self._threads.discard(worker)
            if self._closed:
                return
            self._metrics.workers_replaced.inc()
            self._hire()
            lost = self._jobs_to_fail(worker.batch)
        for job in lost:
            job.done(ApiError(503, "worker_lost", "what scored the texts has failed; send them again", _AT_ONCE))

    def _take(self, worker: Worker) -> bool:
        """Give `worker` a micro-batch, as soon as there is one; False at the end."""
        with self._changed:
            self._idle += 1
            try:
                while not self._closed:
                    # Idle workers share what there is: two halves on two cores are done sooner than one whole.
                    share = max(_SMALLEST_SHARE, -(-self._queue.tokens // self._idle))
                    worker.batch = self._queue.take(min(self._batch_tokens, share))
                    if worker.batch:
                        self._note_taken(worker.batch)
                        return True
                    self._changed.wait()
                return False
            finally:
                self._idle -= 1

    def _note_taken(self, batch: Sequence[Entry]) -> None:
        now = time.monotonic()
        for job in _jobs(batch):
            if job.taken_at is None:
                job.taken_at = now
                self._metrics.queue_seconds.observe(now - job.queued_at)
        self._metrics.batch_tokens.observe(sum(entry.tokens for entry in batch))

    def _score(self, batch: Sequence[Entry]) -> None:
        started = time.monotonic()
        scored = self._apart_if_need_be(batch)
        ended = time.monotonic()
        self._metrics.scoring_seconds.observe(ended - started)
        with self._changed:
            self._rate.note(sum(entry.tokens for entry in batch), ended - started, now=ended)
            failed = {entry.job: row for entry, row in zip(batch, scored, strict=True) if isinstance(row, Exception)}
            lost = self._jobs_to_fail([entry for entry in batch if entry.job in failed])
            complete = [
                entry.job
                for entry, row in zip(batch, scored, strict=True)
                if not isinstance(row, Exception) and _note_row(entry, row)
            ]
        for job in lost:
            job.done(failed[job])
        for job in complete:
            self._answer(job)

    def _apart_if_need_be(self, batch: Sequence[Entry]) -> list[Scored]:
        """Logits of each window, or why there are none.

        If anything is wrong with a run that several requests share, each is scored by itself, so that nobody's answer
        depends on the text of somebody else.
        """
        rows = self._rows(batch)
        jobs = _jobs(batch)
        if not isinstance(rows, Exception):
            return list(rows)
        if len(jobs) == 1:
            return [rows] * len(batch)
        own: dict[int, Scored] = {}
        for job in jobs:
            places = [place for place, entry in enumerate(batch) if entry.job is job]
            of_job = self._rows([batch[place] for place in places])
            own |= {place: of_job if isinstance(of_job, Exception) else of_job[row] for row, place in enumerate(places)}
        return [own[place] for place in range(len(batch))]

    def _rows(self, batch: Sequence[Entry]) -> npt.NDArray[np.float32] | Exception:
        try:
            rows = self._classifier.score_windows([entry.window for entry in batch])
        except Exception as error:
            return error
        if rows.shape[0] != len(batch) or not np.isfinite(rows).all():
            return ArithmeticError("the model gave a score that is no number")
        return rows

    def _jobs_to_fail(self, batch: Sequence[Entry]) -> list[Job]:
        """Those of the batch that were not over before; from now on they are."""
        jobs = [job for job in _jobs(batch) if not job.over]
        for job in jobs:
            self._queue.drop(job)
        return jobs

    def _answer(self, job: Job) -> None:
        try:
            answers = self._classifier.predictions(job.ids, job.read, np.stack(job.logits))
        except Exception as error:
            job.done(error)
        else:
            job.done(answers)


_AT_ONCE: Final = {"Retry-After": "1"}


def _jobs(batch: Sequence[Entry]) -> list[Job]:
    return list(dict.fromkeys(entry.job for entry in batch))


def _note_row(entry: Entry, row: npt.NDArray[np.float32]) -> bool:
    """Keep the logits of a window; whether they were the last that its job waited for."""
    job = entry.job
    if job.over:
        return False
    job.logits[entry.at] = row
    job.unscored -= 1
    return job.unscored == 0
