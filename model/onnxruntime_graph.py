"""The exported graph in onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from model.errors import WeightsError

_ERRORS_ONLY = 3


class OnnxruntimeGraph:
    """A graph file, or the bytes of one, which any number of threads may run, each run in the thread that asks.

    Raises:
        WeightsError: the graph cannot be read.
    """

    def __init__(self, graph: Path | bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # Higher levels may fuse again what the graph has in plain operators because these are faster.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        given = graph if isinstance(graph, bytes) else str(graph)
        try:
            self._session = onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the library's own exceptions share no base but Exception
            name = "the changed graph" if isinstance(graph, bytes) else graph
            raise WeightsError(f"{name}: cannot be loaded as a graph ({error})") from error

    @property
    def labels(self) -> int | None:
        """How many logits a window gets; None where the graph does not say."""
        size = self._session.get_outputs()[0].shape[-1]
        return size if isinstance(size, int) else None

    def run(self, input_ids: npt.NDArray[np.int32], lengths: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
        """Logits (windows, labels) of padded windows (windows, pieces)."""
        (logits,) = self._session.run(None, {"input_ids": input_ids, "lengths": lengths})
        return np.asarray(logits, dtype=np.float32)
