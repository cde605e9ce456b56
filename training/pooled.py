"""Pooled values inside the graph of a weights folder: the mean of a layer's hidden states over the real pieces."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import helper

from model.errors import WeightsError
from model.layers import EMBEDDINGS

LOGITS = "logits"
_LAST = "pooled"
"""What the heads of the graph are given: the pooled value of the last layer, (windows, width)."""

_ROW = "pooled_row"
_AXIS = "last_axis"


def read_graph(path: Path) -> onnx.ModelProto:
    """Reads a graph that values can be added to.

    Raises:
        WeightsError: it is none that rida exported.
    """
    try:
        model = onnx.load_model(path)
    except Exception as error:  # protobuf's own errors share no base but Exception
        raise WeightsError(f"{path}: cannot be read as a graph ({error})") from error
    made = _made(model)
    for name in (LOGITS, _LAST, _ROW):
        if name not in made:
            raise WeightsError(f"{path}: has no value {name!r}; give weights that rida exported")
    return model


def depth(model: onnx.ModelProto) -> int:
    """How many layers the encoder has."""
    made = _made(model)
    return next(layer for layer in range(len(made)) if f"{layer}.norm" not in made)


def pooled(model: onnx.ModelProto, layer: int) -> str:
    """The name of the pooled value of one layer (`model.layers`); added where the graph has it not yet."""
    if layer == depth(model) - 1:
        return _LAST
    hidden = "embedding_norm" if layer == EMBEDDINGS else f"{layer}.norm"
    name = f"{hidden}.pooled"
    if name not in _made(model):
        # As the graph pools its last layer: hidden states of older graphs have the batch first.
        row = onnx.NodeProto()
        row.CopyFrom(next(node for node in model.graph.node if node.name == _ROW))
        row.name, row.input[1], row.output[0] = f"{name}_row", hidden, f"{name}_row"
        model.graph.node.extend([row, helper.make_node("Squeeze", [row.name, _AXIS], [name], name=name)])
    return name


def _made(model: onnx.ModelProto) -> set[str]:
    return {name for node in model.graph.node for name in node.output}
