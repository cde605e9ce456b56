"""Running the exported graph: micro-batches of windows in, logits out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from model.errors import WeightsError
from model.windows import batches_by_length

Logits = npt.NDArray[np.float32]

_ERRORS_ONLY = 3


@dataclass(frozen=True, slots=True)
class StartedRuns:
    """Micro-batches on their way through the graph; `order` brings their rows back to that of the windows."""

    runs: list[Future[Logits]]
    order: npt.NDArray[np.intp]

    def logits(self) -> Logits:
        """Waits for all runs; (windows, labels) in the order in which the windows were given."""
        if not self.runs:
            return np.empty((0, 0), dtype=np.float32)
        try:
            return np.asarray(np.concatenate([run.result() for run in self.runs])[self.order])
        except BaseException:
            self.cancel()
            raise

    def cancel(self) -> None:
        """Gives up the runs that have not begun."""
        for run in self.runs:
            run.cancel()


class Session:
    """One graph and the threads that run it.

    Each run uses one thread, and `threads` runs go on at once: two such runs score more texts than one run
    over two threads. Idle threads sleep instead of spinning. Safe to use from several threads.
    """

    def __init__(self, graph: Path | bytes, *, threads: int, tokens_per_batch: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        given = graph if isinstance(graph, bytes) else str(graph)
        try:
            self._session = onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the library's own exceptions share no base but Exception
            name = "the changed graph" if isinstance(graph, bytes) else graph
            raise WeightsError(f"{name}: cannot be loaded as a graph ({error})") from error
        self._tokens_per_batch = tokens_per_batch
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="rida-session")

    @property
    def labels(self) -> int | None:
        """How many logits a window gets; None where the graph does not say."""
        size = self._session.get_outputs()[0].shape[-1]
        return size if isinstance(size, int) else None

    def logits(self, windows: Sequence[Sequence[int]]) -> Logits:
        """Scores windows; (windows, labels) in the order given, whatever they were batched with."""
        return self.start(windows).logits()

    def start(self, windows: Sequence[Sequence[int]]) -> StartedRuns:
        """Begins to score windows and returns at once; runs begin in the order in which they were started."""
        batches = batches_by_length([len(window) for window in windows], tokens_per_batch=self._tokens_per_batch)
        runs = [self._pool.submit(self.run, [windows[at] for at in batch]) for batch in batches]
        return StartedRuns(runs, np.argsort(np.concatenate(batches)) if batches else np.empty(0, dtype=np.intp))

    def run(self, batch: Sequence[Sequence[int]]) -> Logits:
        """Scores one micro-batch, at least one window, in the calling thread."""
        lengths = np.array([len(window) for window in batch], dtype=np.int32)
        # What stands beyond a window's length is not looked at, so any piece pads.
        input_ids = np.zeros((len(batch), int(lengths.max())), dtype=np.int32)
        for row, window in enumerate(batch):
            input_ids[row, : len(window)] = window
        (logits,) = self._session.run(None, {"input_ids": input_ids, "lengths": lengths})
        return np.asarray(logits, dtype=np.float32)
