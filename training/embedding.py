"""Texts as vectors: what the shipped graph pools before its heads, beside the heads' own logits.

The graph in a weights folder gives logits alone; here its mean of the last hidden states is read off as well. Needs
onnx, and no torch.
"""

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
from model.cores import usable_cores
from model.errors import WeightsError
from model.manifest import GRAPH, TOKENIZER
from model.session import Session
from model.tokenizer import id_of, read_tokenizer

POOLED = "pooled"
"""The name of the pooled value in the graph, (windows, width)."""

_LOGITS = "logits"
_BOTH = "logits_and_pooled"


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

    Raises:
        WeightsError: the folder cannot be used, or its graph has no pooled value.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        self._classifier = load(folder, threads=threads)
        self.info = self._classifier.info
        limits = self.info.config.limits
        self._session = Session(
            _with_pooled(folder / GRAPH),
            threads=threads or usable_cores(),
            tokens_per_batch=limits.tokens_per_batch,
            pad_id=id_of(read_tokenizer(folder / TOKENIZER), "<pad>"),
        )
        self._labels = 4 + len(self.info.config.topics)

    def embed(self, texts: Sequence[str]) -> Embedded:
        """The vectors of texts; that of a long one is the mean over its windows, weighted by their lengths."""
        read = self._classifier.read(texts)
        kept = [at for at, each in enumerate(read) if isinstance(each, ReadText)]
        parts = [each.windows for each in read if isinstance(each, ReadText)]
        if not parts:
            return Embedded(np.empty((0, 0)), split_heads(np.empty((0, self._labels))), [])
        both = self._session.logits([window for windows in parts for window in windows])
        heads = combine_windows(split_heads(both[:, : self._labels]), parts)
        truncated = [at for at, each in enumerate(read) if isinstance(each, ReadText) and each.truncated]
        return Embedded(_means(both[:, self._labels :].astype(np.float64), parts), heads, kept, truncated)


def _means(vectors: Floats, parts: Sequence[Sequence[Sequence[int]]]) -> Floats:
    lengths = np.array([len(window) for windows in parts for window in windows], dtype=np.float64)
    starts = np.cumsum([0, *(len(windows) for windows in parts[:-1])])
    sums: npt.NDArray[np.float64] = np.add.reduceat(vectors * lengths[:, None], starts)
    return np.asarray(sums / np.add.reduceat(lengths, starts)[:, None])


def _with_pooled(path: Path) -> bytes:
    """The graph with one output in place of its logits: those, followed by the pooled value."""
    model = onnx.load_model(path)
    if POOLED not in {name for node in model.graph.node for name in node.output}:
        raise WeightsError(f"{path}: has no value named {POOLED!r}; give weights that this version of rida exported")
    model.graph.node.append(helper.make_node("Concat", [_LOGITS, POOLED], [_BOTH], name=_BOTH, axis=1))
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info(_BOTH, onnx.TensorProto.FLOAT, ["batch", "values"]))
    serialised: bytes = model.SerializeToString()
    return serialised
