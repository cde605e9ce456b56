"""Running the exported graph: micro-batches of windows in, logits out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from model.config import Backend
from model.onnxruntime_graph import OnnxruntimeGraph
from model.openvino_graph import OpenvinoGraph
from model.windows import batches_by_length

Logits = npt.NDArray[np.float32]

_MICRO_BATCHES_A_RUN: Final[dict[Backend, int]] = {"onnxruntime": 1, "openvino": 4}
"""OpenVINO takes long to begin a run."""


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

    def __init__(
        self, graph: Path | bytes, *, threads: int, tokens_per_batch: int, backend: Backend = "onnxruntime"
    ) -> None:
        self._graph = OpenvinoGraph(graph, threads=threads) if backend == "openvino" else OnnxruntimeGraph(graph)
        self._tokens_per_batch, self._most = tokens_per_batch, tokens_per_batch * _MICRO_BATCHES_A_RUN[backend]
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="rida-session")

    @property
    def labels(self) -> int | None:
        """How many logits a window gets; None where the graph does not say."""
        return self._graph.labels

    def logits(self, windows: Sequence[Sequence[int]]) -> Logits:
        """Scores windows; (windows, labels) in the order given, whatever they were batched with."""
        return self.start(windows).logits()

    def start(self, windows: Sequence[Sequence[int]]) -> StartedRuns:
        """Begins to score windows and returns at once; runs begin in the order in which they were started."""
        lengths = [len(window) for window in windows]
        # Longer runs must leave no thread idle.
        share = max(self._tokens_per_batch, sum(lengths) // self._threads)
        batches = batches_by_length(lengths, tokens_per_batch=min(self._most, share))
        runs = [self._pool.submit(self.run, [windows[at] for at in batch]) for batch in batches]
        return StartedRuns(runs, np.argsort(np.concatenate(batches)) if batches else np.empty(0, dtype=np.intp))

    def run(self, batch: Sequence[Sequence[int]]) -> Logits:
        """Scores one micro-batch, at least one window, in the calling thread."""
        lengths = np.array([len(window) for window in batch], dtype=np.int32)
        # What stands beyond a window's length is not looked at, so any piece pads.
        input_ids = np.zeros((len(batch), int(lengths.max())), dtype=np.int32)
        for row, window in enumerate(batch):
            input_ids[row, : len(window)] = window
        return self._graph.run(input_ids, lengths)
