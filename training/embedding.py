"""Texts as vectors: what the graph of a weights folder pools inside, beside its logits. Needs onnx, and no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from model.calibration import Floats, HeadLogits, combine_windows, split_heads
from model.classifier import ReadText, load
from model.config import Backend
from model.cores import usable_cores
from model.manifest import GRAPH
from model.session import Session
from training.pooled import LOGITS, depth, pooled, read_graph

_ALL = "logits_and_pooled"


@dataclass(frozen=True, slots=True)
class Embedded:
    """Of the texts that can be scored: `vectors` (texts, width), uncalibrated logits, and their positions, `kept`.

    `truncated` are the positions of those that are longer than what is read.
    """

    vectors: Floats
    heads: HeadLogits
    kept: list[int]
    truncated: list[int] = field(default_factory=list)


class Embedder:
    """Reads texts with the weights of one folder.

    Vectors are those of the last layer, or those of several `layers`, from 0 on, one after the other.

    Raises:
        WeightsError: the folder cannot be used.
        InputError: the backend cannot be had.
    """

    def __init__(
        self,
        folder: Path,
        *,
        threads: int | None = None,
        layers: Sequence[int] | None = None,
        backend: Backend = "onnxruntime",
    ) -> None:
        self._classifier = load(folder, threads=threads)
        self.info = self._classifier.info
        model = read_graph(folder / GRAPH)
        limits = self.info.config.limits
        self._session = Session(
            _with_pooled(model, [depth(model) - 1] if layers is None else layers),
            threads=threads or usable_cores(),
            tokens_per_batch=limits.tokens_per_batch,
            backend=backend,
        )
        self._labels = 4 + len(self.info.config.topics)

    def embed(self, texts: Sequence[str]) -> Embedded:
        """The vectors of texts; that of a long one is the mean over its windows, weighted by their lengths."""
        read = self._classifier.read(texts)
        kept = [at for at, each in enumerate(read) if isinstance(each, ReadText)]
        parts = [each.windows for each in read if isinstance(each, ReadText)]
        if not parts:
            return Embedded(np.empty((0, 0)), split_heads(np.empty((0, self._labels))), [])
        values = self._session.logits([window for windows in parts for window in windows])
        heads = combine_windows(split_heads(values[:, : self._labels]), parts)
        truncated = [at for at, each in enumerate(read) if isinstance(each, ReadText) and each.truncated]
        return Embedded(_means(values[:, self._labels :].astype(np.float64), parts), heads, kept, truncated)


def _means(vectors: Floats, parts: Sequence[Sequence[Sequence[int]]]) -> Floats:
    lengths = np.array([len(window) for windows in parts for window in windows], dtype=np.float64)
    starts = np.cumsum([0, *(len(windows) for windows in parts[:-1])])
    sums: npt.NDArray[np.float64] = np.add.reduceat(vectors * lengths[:, None], starts)
    return np.asarray(sums / np.add.reduceat(lengths, starts)[:, None])


def _with_pooled(model: onnx.ModelProto, layers: Sequence[int]) -> bytes:
    """The graph with one output in place of its logits: those, followed by the layers' pooled values."""
    values = [LOGITS, *(pooled(model, layer) for layer in layers)]
    model.graph.node.append(helper.make_node("Concat", values, [_ALL], name=_ALL, axis=1))
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info(_ALL, onnx.TensorProto.FLOAT, ["batch", "values"]))
    serialised: bytes = model.SerializeToString()
    return serialised
