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

from model.errors import NO_SCORE, InputError
from model.prediction import Rejection
from serving.http.errors import ApiError, retry_after
from serving.http.queue import Entry, Job
from serving.http.runs import jobs_of, score
from serving.http.traces import trace

if TYPE_CHECKING:
    from model.classifier import Classifier
    from serving.http.admission import Admission
    from serving.http.metrics import Metrics

logger = logging.getLogger("rida.http")

_SMALLEST_SHARE: Final = 128


class Worker(threading.Thread):
    """One thread, the micro-batch that it has not yet answered, how many tokens it is still scoring, and what it has
    scored since it last had nothing to do.
    """

    def __init__(self, work: Callable[[Worker], None]) -> None:
        # Not a daemon: a process that ends under a thread in native code aborts. So a stopping one lets the run end.
        super().__init__(name="rida-scoring", daemon=False)
        self.batch: list[Entry] = []
        self.tokens = 0
        self.spell_tokens = 0
        self.spell_began = 0.0
        self._work = work

    def run(self) -> None:
        """Work until there is nothing more to come."""
        self._work(self)


class Workers:
    """The queue with those who empty it; safe to use from several threads."""

    def __init__(
        self,
        classifier: Classifier,
        admission: Admission,
        *,
        count: int,
        batch_tokens: int,
        metrics: Metrics,
        yardstick: Sequence[list[int]],
    ) -> None:
        """`yardstick` is a micro-batch to measure an idle worker's rate by."""
        self._classifier = classifier
        self._admission = admission
        self._batch_tokens = batch_tokens
        self._metrics = metrics
        self._yardstick = yardstick
        self._changed = threading.Condition()
        self._idle = 0
        self._closed = False
        self._measure = False
        self._count = count
        self._threads: set[Worker] = set()

    @property
    def waiting_tokens(self) -> int:
        """Tokens that wait in the queue."""
        return self._admission.queue.tokens

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is being scored."""
        return not self._admission.queue.tokens and not self._admission.in_hand

    def revive(self) -> bool:
        """Start the threads that are missing, if the system allows it by now; whether there is anyone to score."""
        with self._changed:
            try:
                self._hire_missing()
            except ApiError:
                return False
            return True

    def start(self) -> None:
        """Start the threads; the process does not end before `close` has been called.

        Raises:
            InputError: the system does not allow as many threads.
        """
        with self._changed:
            try:
                for _ in range(self._count):
                    self._hire()
            except RuntimeError:
                self.close()
                message = f"cannot start {self._count} scoring threads; give a lower --threads (RIDA_THREADS)"
                raise InputError(message) from None

    def require_room(self) -> None:
        """See `Admission.require_room`; asked before a request is read, so that refusals cost little.

        Raises:
            ApiError: 429 the queue is full.
        """
        with self._changed:
            self._admission.require_room(now=time.monotonic())

    def add(self, job: Job, *, deadline: float) -> None:
        """Queue a job that can be finished by `deadline`, in the time of `time.monotonic`.

        Raises:
            ApiError: see `Admission.admit`; 503 there is nobody to score.
        """
        with self._changed:
            self._hire_missing()
            now = time.monotonic()
            try:
                self._admission.admit(job, now=now, deadline=deadline)
            except ApiError:
                self._measure = self._measure or self._admission.should_measure(now=now)
                if self._measure:
                    self._changed.notify()
                raise
            self._changed.notify(len(job.pending))

    def drop(self, job: Job) -> None:
        """Do not score what still waits of a job, whose asker has left."""
        with self._changed:
            self._admission.queue.drop(job)

    def close(self) -> None:
        """Let the threads end after what they are scoring; does not wait for it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _hire(self) -> None:
        worker = Worker(self._work)
        worker.start()
        self._threads.add(worker)

    def _hire_missing(self) -> None:
        try:
            while len(self._threads) < self._count and not self._closed:
                self._hire()
        except RuntimeError:
            logger.error("no thread can be started for a scoring worker; there are %d", len(self._threads))
        if not self._threads:
            raise _worker_lost()

    def _work(self, worker: Worker) -> None:
        try:
            while self._take(worker):
                self._score(worker)
                worker.batch = []
        except BaseException as error:
            # Its message, and what the interpreter would print of it, may quote a text.
            logger.error("a scoring worker died and is replaced: %s", trace(error))
        with self._changed:
            self._threads.discard(worker)
            self._put_down(worker)
            lost = self._jobs_to_fail(worker.batch)
        for job in lost:
            job.done(_worker_lost())
        with self._changed:
            closed = self._closed
        if not closed:
            self._metrics.workers_replaced.inc()
            self.revive()

    def _take(self, worker: Worker) -> bool:
        """Give `worker` a micro-batch, as soon as there is one; False at the end."""
        with self._changed:
            self._idle += 1
            try:
                while not self._closed:
                    # Idle workers share what there is: two halves on two cores are done sooner than one whole.
                    share = max(_SMALLEST_SHARE, -(-self.waiting_tokens // self._idle))
                    worker.batch = self._admission.take(min(self._batch_tokens, share))
                    if worker.batch:
                        worker.tokens = sum(entry.tokens for entry in worker.batch)
                        self._note_taken(worker)
                        return True
                    if self._measure:
                        self._measure = False
                        return True
                    self._changed.wait()
                    worker.spell_tokens = 0
                return False
            finally:
                self._idle -= 1

    def _put_down(self, worker: Worker) -> None:
        self._admission.in_hand -= worker.tokens
        worker.tokens = 0

    def _note_taken(self, worker: Worker) -> None:
        now = time.monotonic()
        for job in jobs_of(worker.batch):
            if job.taken_at is None:
                job.taken_at = now
                self._metrics.queue_seconds.observe(now - job.queued_at)
        self._metrics.batch_tokens.observe(worker.tokens)

    def _score(self, worker: Worker) -> None:
        started, batch, tokens = time.monotonic(), worker.batch, worker.tokens
        if not worker.spell_tokens:
            worker.spell_began = started
        if not batch:
            self._classifier.score_windows(self._yardstick)
            self._note_rate(worker, sum(map(len, self._yardstick)))
            return
        scored = score(self._classifier, batch)
        self._metrics.scoring_seconds.observe(time.monotonic() - started)
        with self._changed:
            self._put_down(worker)
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
        # With what comes after the run: a worker that makes predictions does not score.
        self._note_rate(worker, tokens)

    def _note_rate(self, worker: Worker, tokens: int) -> None:
        now = time.monotonic()
        worker.spell_tokens += tokens
        with self._changed:
            if self._admission.rate.note(worker.spell_tokens, now - worker.spell_began, now=now):
                worker.spell_tokens, worker.spell_began = 0, now

    def _jobs_to_fail(self, batch: Sequence[Entry]) -> list[Job]:
        """Those of the batch that were not over before; from now on they are."""
        jobs = [job for job in jobs_of(batch) if not job.over]
        for job in jobs:
            self._admission.queue.drop(job)
        return jobs

    def _answer(self, job: Job) -> None:
        try:
            answers = self._classifier.predictions(job.ids, job.read, np.stack(job.logits))
        except Exception as error:
            job.done(error)
        else:
            if any(isinstance(answer, Rejection) and answer.code == NO_SCORE for answer in answers):
                logger.warning("the model gave a score that is no number; the text has an error in its place")
            job.done(answers)


def _worker_lost() -> ApiError:
    return ApiError(503, "worker_lost", "what scored the texts has failed; send them again", retry_after(1))


def _note_row(entry: Entry, row: npt.NDArray[np.float32]) -> bool:
    """Keep the logits of a window; whether they were the last that its job waited for."""
    job = entry.job
    if job.over:
        return False
    job.logits[entry.at] = row
    job.unscored -= 1
    return job.unscored == 0
