"""From a request's texts to its answers: read off the event loop, let in, queued, scored, waited for."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from starlette.requests import ClientDisconnect

from model.cores import usable_cores
from model.errors import TextError, WeightsError
from serving.http.admission import Admission
from serving.http.errors import ApiError
from serving.http.queue import Job
from serving.http.rate import Rate
from serving.http.workers import Workers

if TYPE_CHECKING:
    from model.classifier import Classifier, ReadText
    from model.prediction import Prediction, Rejection
    from serving.http.metrics import Metrics
    from serving.settings import Settings

_PART_TEXTS: Final = 64
_PART_CHARACTERS: Final = 50_000
_READERS: Final = 2
_AT_ONCE_TEXTS: Final = 8
_AT_ONCE_CHARACTERS: Final = 1000
"""To read as many takes less than a millisecond, and to hand them to a thread and back nearly half of that."""

_NO_LOGITS: Final = np.empty((0, 0), dtype=np.float32)
_MEASURED_RUNS: Final = 2
_MEASURED_TOKENS: Final = 2048
_MEASURED_TEXT: Final = "The parcel came on time and nothing in it was broken, thank you! "

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers of one request, and what it took."""

    answers: list[Prediction | Rejection]
    tokens: int
    queue_seconds: float
    scoring_seconds: float


class Scoring:
    """What shares model runs among requests."""

    def __init__(self, classifier: Classifier, settings: Settings, metrics: Metrics) -> None:
        self.classifier = classifier
        count = settings.threads or usable_cores()
        batch_tokens = settings.batch_tokens or classifier.info.config.limits.tokens_per_batch
        yardstick = _yardstick(classifier, batch_tokens)
        first = _measure(classifier, yardstick, workers=count)
        self.rate = Rate(workers=count, first=first, now=time.monotonic())
        admission = Admission(self.rate, settings.queue_milliseconds / 1000, settings.deadline_seconds)
        self._workers = Workers(
            classifier, admission, count=count, batch_tokens=batch_tokens, metrics=metrics, yardstick=yardstick
        )
        # Few, so that those who read texts leave the cores to those who score; two, so that a request of thousands
        # lets others in between.
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="rida-reading")

    @property
    def waiting_tokens(self) -> int:
        """Tokens that wait in the queue."""
        return self._workers.waiting_tokens

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is being scored."""
        return self._workers.idle

    def revive(self) -> bool:
        """See `Workers.revive`."""
        return self._workers.revive()

    def start(self) -> None:
        """Begin to score; to be followed by `close`.

        Raises:
            InputError: the system does not allow as many threads.
        """
        self._workers.start()

    def require_room(self) -> None:
        """Refuse early, before a body is read.

        Raises:
            ApiError: 429 the queue is full.
        """
        self._workers.require_room()

    async def score(
        self, texts: Sequence[str], ids: list[str], *, deadline: float, gone: asyncio.Future[None]
    ) -> Answered:
        """Answers in the order of the texts; gives up at `deadline` (of `time.monotonic`) or when `gone` is done.

        Raises:
            ApiError: 413, 429 or 503 refused, 503 the worker died, 504 the deadline passed.
            ClientDisconnect: the client has left.
        """
        read = await self._read(texts, deadline, gone)
        answered: asyncio.Future[list[Prediction | Rejection]] = asyncio.get_running_loop().create_future()
        job = Job(ids, read, partial(_tell, answered))
        if not job.pending:
            return Answered(self.classifier.predictions(ids, read, _NO_LOGITS), 0, 0.0, 0.0)
        self._workers.add(job, deadline=deadline)
        try:
            answers = await _first_of(answered, deadline, gone)
        finally:
            self._workers.drop(job)
        taken = job.taken_at or job.queued_at
        return Answered(answers, job.tokens, taken - job.queued_at, time.monotonic() - taken)

    def close(self) -> None:
        """End the threads."""
        self._workers.close()
        self._readers.shutdown(wait=False, cancel_futures=True)

    async def _read(
        self, texts: Sequence[str], deadline: float, gone: asyncio.Future[None]
    ) -> list[ReadText | TextError]:
        if len(texts) <= _AT_ONCE_TEXTS and sum(map(len, texts)) <= _AT_ONCE_CHARACTERS:
            return self.classifier.read(texts)
        loop = asyncio.get_running_loop()
        read: list[ReadText | TextError] = []
        for part in _parts(texts):
            read += await _first_of(loop.run_in_executor(self._readers, self.classifier.read, part), deadline, gone)
        return read


def _parts(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts in parts that are read in a moment, so that another request's come in between."""
    part: list[str] = []
    characters = 0
    for text in texts:
        if part and (len(part) >= _PART_TEXTS or characters + len(text) > _PART_CHARACTERS):
            yield part
            part, characters = [], 0
        part.append(text)
        characters += len(text)
    if part:
        yield part


async def _first_of(wanted: asyncio.Future[_Value], deadline: float, gone: asyncio.Future[None]) -> _Value:
    try:
        left = max(0.0, deadline - time.monotonic())
        both: set[asyncio.Future[Any]] = {wanted, gone}
        await asyncio.wait(both, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if wanted.done():
            return wanted.result()
    finally:
        wanted.cancel()
    if gone.done():
        raise ClientDisconnect
    raise ApiError(504, "deadline_passed", "the deadline passed before all texts were scored")


def _tell(
    answered: asyncio.Future[list[Prediction | Rejection]], outcome: list[Prediction | Rejection] | Exception
) -> None:
    """Hand an outcome from a worker's thread to who waits for it, if anybody still does."""

    def settle() -> None:
        if answered.done():
            return
        if isinstance(outcome, Exception):
            answered.set_exception(outcome)
        else:
            answered.set_result(outcome)

    # A server that stops closes its loop while the last runs may still go on.
    with contextlib.suppress(RuntimeError):
        answered.get_loop().call_soon_threadsafe(settle)


def _yardstick(classifier: Classifier, batch_tokens: int) -> list[list[int]]:
    """A micro-batch that is full, or large enough to tell the rate by."""
    read = classifier.read([_MEASURED_TEXT * 2])[0]
    if isinstance(read, TextError):
        raise WeightsError("the weights folder cannot read the warm-up text")
    window = read.windows[0]
    return [window] * max(1, min(batch_tokens, _MEASURED_TOKENS) // len(window))


def _measure(classifier: Classifier, yardstick: list[list[int]], *, workers: int) -> float:
    """Tokens a second of one worker while all of them score: a first guess, until there is traffic to go by."""
    seconds = []
    with ThreadPoolExecutor(workers) as pool:
        for _ in range(_MEASURED_RUNS):
            started = time.perf_counter()
            list(pool.map(classifier.score_windows, [yardstick] * workers))
            seconds.append(time.perf_counter() - started)
    return sum(map(len, yardstick)) / max(min(seconds), 1e-6)
