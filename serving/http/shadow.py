"""A second set of weights that scores what was answered and answers nobody: a team sees what a swap would change.

It must never cost an answer anything. So it lives in a process of its own, which a fault in native code or a lack of
memory ends without the server; that process has the lowest priority (on Windows the usual one), as threads of ours
would share cores evenly; it is handed a few texts at a time and only while nothing waits for or is on the model, as a
container's share of cores is used up by either; and what finds no room in a small queue is dropped and counted. The
texts compared are therefore a sample that leans to quiet moments.
"""

from __future__ import annotations

import logging
import multiprocessing
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from model.errors import RidaError, WeightsError
from model.prediction import Prediction, Rejection
from serving.http.disagreement import Disagreement, change_of
from serving.http.shadow_metrics import ShadowMetrics
from serving.http.shadow_process import Answers, Failed, Loaded, score_lots
from serving.http.traces import trace

if TYPE_CHECKING:
    from model.classifier import ModelInfo

logger = logging.getLogger("rida.http")

_MOST_TEXTS: Final = 1000
_MOST_CHARACTERS: Final = 1_000_000
"""What may wait: a burst of a few seconds, and a few megabytes."""

_LOT_TEXTS: Final = 8
_LOT_CHARACTERS: Final = 20_000
"""What is scored in a fraction of a second, so that it is soon over when a request comes; and what a pipe takes at
once, so that nobody waits to hand it over. A longer text is dropped."""

_LOOK_AGAIN_SECONDS: Final = 0.02
_TELL_SECONDS: Final = 60.0
_PATIENCE_SECONDS: Final = 120.0
_REAP_SECONDS: Final = 0.2
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0


class Shadow:
    """The process with the second weights, the queue before it, and what has been found; safe to use from several
    threads.
    """

    def __init__(self, folder: Path, metrics: ShadowMetrics) -> None:
        self._folder = folder
        self._metrics = metrics
        self._disagreement = Disagreement()
        self._changed = threading.Condition()
        self._waiting: deque[tuple[str, Prediction]] = deque()
        self._characters = 0
        self._dropped = 0
        self._closed = threading.Event()
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._info: ModelInfo | None = None
        self._idle: Callable[[], bool] = lambda: True
        self._pause = _FIRST_PAUSE
        self._since = datetime.now(UTC)
        self._told = (0.0, 0, 0)

    def load(self) -> None:
        """Start the process and wait until its weights are loaded and have scored a text.

        Raises:
            WeightsError: they cannot be.
        """
        try:
            self._info = self._start_process()
        except (RidaError, OSError) as error:
            raise WeightsError(f"--shadow (RIDA_SHADOW): {error}") from error

    def start(self, first: ModelInfo, idle: Callable[[], bool]) -> None:
        """Begin to compare with the weights that answer; `idle` tells whether the model has nothing to do."""
        assert self._info is not None
        if first.sha256 == self._info.sha256:
            logger.warning("the shadow has the same weights as those that answer")
        self._idle = idle
        self._disagreement = Disagreement(first.config.topics, self._info.config.topics)
        self._metrics.watch(self._info)
        self._told = (time.monotonic(), 0, 0)
        # A daemon: all that it waits for is a process that the server ends, and nothing is lost with it.
        threading.Thread(target=self._work, name="rida-shadow", daemon=True).start()

    def offer(self, texts: Sequence[str], answers: Sequence[Prediction | Rejection]) -> None:
        """Take what was answered, as far as there is room; never waits, and drops the rest."""
        dropped = 0
        with self._changed:
            empty = not self._waiting
            for text, answer in zip(texts, answers, strict=True):
                if isinstance(answer, Rejection):
                    continue
                if self._has_room(text):
                    self._waiting.append((text, answer))
                    self._characters += len(text)
                else:
                    dropped += 1
            self._dropped += dropped
            if empty and self._waiting:
                self._changed.notify()
        self._metrics.dropped.inc(dropped)

    def summary(self, first: ModelInfo) -> dict[str, Any]:
        """What GET /v1/shadow shows."""
        info = self._info
        assert info is not None
        with self._changed:
            return {
                "model": {"name": first.name, "version": first.version, "sha256": first.sha256},
                "shadow": {"name": info.name, "version": info.version, "sha256": info.sha256},
                "running": self._connection is not None,
                "since": self._since.isoformat(timespec="seconds"),
                "waiting": len(self._waiting),
                "dropped": self._dropped,
                **self._disagreement.as_dict(),
            }

    def close(self) -> None:
        """End the process at once, whatever it does; what waits is not scored."""
        self._closed.set()
        with self._changed:
            self._waiting.clear()
            self._changed.notify()
        self._end_process()

    def _has_room(self, text: str) -> bool:
        return (
            len(text) <= _LOT_CHARACTERS
            and len(self._waiting) < _MOST_TEXTS
            and self._characters + len(text) <= _MOST_CHARACTERS
            and not self._closed.is_set()
        )

    def _work(self) -> None:
        while not self._closed.is_set():
            try:
                if lot := self._take():
                    self._compare(lot)
                self._tell_now_and_then()
            except Exception as error:
                logger.error("the shadow failed and goes on: %s", trace(error))
                self._closed.wait(_FIRST_PAUSE)

    def _take(self) -> list[tuple[str, Prediction]]:
        """What is scored next; nothing if nothing waits, or not now."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(_FIRST_PAUSE)
                return []
            if not self._idle():
                self._changed.wait(_LOOK_AGAIN_SECONDS)
                return []
            lot: list[tuple[str, Prediction]] = []
            room = _LOT_CHARACTERS
            while self._waiting and len(lot) < _LOT_TEXTS and len(self._waiting[0][0]) <= room:
                lot.append(self._waiting.popleft())
                room -= len(lot[-1][0])
            self._characters -= _LOT_CHARACTERS - room
            return lot

    def _compare(self, lot: Sequence[tuple[str, Prediction]]) -> None:
        answers = self._ask([text for text, _ in lot])
        if answers is None:
            with self._changed:
                self._dropped += len(lot)
            self._metrics.dropped.inc(len(lot))
            return
        shared = self._disagreement.shared
        changes = [
            change_of(first, second, shared)
            for (_, first), second in zip(lot, answers, strict=True)
            if isinstance(second, Prediction)
        ]
        with self._changed:
            self._disagreement.add(changes)
            self._disagreement.unscored += len(lot) - len(changes)
        self._metrics.unscored.inc(len(lot) - len(changes))
        for change in changes:
            self._metrics.count(change)

    def _ask(self, texts: list[str]) -> Answers | None:
        """What the shadow says of texts; None if it could not."""
        connection = self._connection
        try:
            if connection is None:
                raise EOFError
            connection.send(texts)
            self._await_answer(connection)
            told: Answers | Failed = connection.recv()
        except (EOFError, OSError):
            if not self._closed.is_set():
                self._start_again()
            return None
        self._pause = _FIRST_PAUSE
        if isinstance(told, Failed):
            logger.error("the shadow could not score some texts: %s", told.reason)
            return None
        return told

    def _await_answer(self, connection: Connection) -> None:
        """Wait for an answer; only quiet seconds count, as the process has next to no time while others are busy."""
        quiet = 0
        while not connection.poll(1):
            quiet += self._idle()
            if quiet > _PATIENCE_SECONDS or self._closed.is_set():
                raise TimeoutError

    def _start_again(self) -> None:
        """Replace a process that has ended or hangs, after a pause that grows as long as nothing is scored."""
        code = self._end_process()
        logger.error("the shadow's process has ended or hangs (exit code %s) and is started again", code)
        self._metrics.restarts.inc()
        while not self._closed.wait(self._pause):
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            try:
                info = self._start_process()
            except (RidaError, OSError) as error:
                logger.error("the shadow cannot be started again: %s", error)
                continue
            if self._info is not None and info.sha256 == self._info.sha256:
                return
            self._end_process()
            logger.error("the shadow cannot be started again: its weights have changed; restart the server")

    def _start_process(self) -> ModelInfo:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=score_lots, args=(str(self._folder), theirs), name="rida-shadow", daemon=True)
        process.start()
        # Ours alone, so that its end is seen by whoever reads.
        theirs.close()
        with self._changed:
            self._process = process
            if self._closed.is_set():
                process.kill()
        try:
            told: Loaded | Failed = ours.recv()
        except (EOFError, OSError):
            process.join(1)
            raise WeightsError(
                f"{self._folder}: the process that loads the weights has ended (exit code {process.exitcode}); "
                "is there memory for a second set?"
            ) from None
        if isinstance(told, Failed):
            raise WeightsError(told.reason)
        with self._changed:
            self._connection = ours
        return told.info

    def _end_process(self) -> int | None:
        """End the process if there is one; its exit code, if it had ended by itself."""
        with self._changed:
            process, self._process, self._connection = self._process, None, None
        if process is None:
            return None
        if not self._closed.is_set():
            process.join(_REAP_SECONDS)
        code = process.exitcode
        process.kill()
        return code

    def _tell_now_and_then(self) -> None:
        """A line a minute, if there is anything new."""
        began, texts, dropped = self._told
        if time.monotonic() - began < _TELL_SECONDS:
            return
        found = self._disagreement
        if (found.texts, self._dropped) != (texts, dropped):
            fields = {
                "texts": found.texts,
                "moods_changed": found.changed,
                "alarms_lost": found.alarms_lost,
                "alarms_gained": found.alarms_gained,
                "unscored": found.unscored,
                "dropped": self._dropped,
            }
            logger.info(
                "shadow: of %(texts)d texts %(moods_changed)d have another mood, %(alarms_lost)d are no longer angry, "
                "%(alarms_gained)d newly angry; not compared: %(unscored)d not scorable, %(dropped)d dropped",
                fields,
                extra={"fields": {"shadow": fields}},
            )
        self._told = (time.monotonic(), found.texts, self._dropped)
