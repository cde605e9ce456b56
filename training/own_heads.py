"""The heads of own topics inside a graph: linear on what several layers pool, after the logits of all other heads."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from model.labels import TOPICS
from model.layers import feature_layers
from training.pooled import LOGITS, depth, pooled

WEIGHTS, BIASES = "own.w", "own.b"
"""Constants of the graph: (layers · width, own topics) and (own topics,)."""

_SHARED, _OWN, _FEATURES = "shared_logits", "own.logits", "own.features"


def own_heads(model: onnx.ModelProto) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None:
    """Weights and biases of the own topics, in their order; None where there are none."""
    constants = {constant.name: constant for constant in model.graph.initializer}
    if WEIGHTS not in constants:
        return None
    return numpy_helper.to_array(constants[WEIGHTS]), numpy_helper.to_array(constants[BIASES])


def set_own_heads(model: onnx.ModelProto, weights: npt.NDArray[Any], biases: npt.NDArray[Any]) -> None:
    """Gives the graph these heads in place of those it may have; shapes as of the constants."""
    if own_heads(model) is None:
        _add_logits(model)
    _set_constant(model, WEIGHTS, weights)
    _set_constant(model, BIASES, biases)
    labels = model.graph.output[0].type.tensor_type.shape.dim[1]
    labels.Clear()
    labels.dim_value = 4 + len(TOPICS) + len(biases)


def _add_logits(model: onnx.ModelProto) -> None:
    """Makes the logits those that there were, followed by the own topics'."""
    for node in model.graph.node:
        if LOGITS in node.output:
            node.output[list(node.output).index(LOGITS)] = _SHARED
    values = [pooled(model, layer) for layer in feature_layers(depth(model))]
    nodes = [
        helper.make_node("Concat", values, [_FEATURES], name=_FEATURES, axis=1),
        helper.make_node("Gemm", [_FEATURES, WEIGHTS, BIASES], [_OWN], name=_OWN),
        helper.make_node("Concat", [_SHARED, _OWN], [LOGITS], name=LOGITS + "_of_all", axis=1),
    ]
    model.graph.node.extend(nodes)


def _set_constant(model: onnx.ModelProto, name: str, value: npt.NDArray[Any]) -> None:
    made = numpy_helper.from_array(np.ascontiguousarray(value, dtype=np.float32), name)
    for constant in model.graph.initializer:
        if constant.name == name:
            constant.CopyFrom(made)
            return
    model.graph.initializer.append(made)
